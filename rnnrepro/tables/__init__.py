"""Every vocabulary of the package as rows of a table.

This package imports neither torch nor pandas, so that configurations can be checked and planned in an
instant. A row says where its class lives and which arguments it takes with which defaults; a conformance
test holds each class to its row.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from rnnrepro.errors import Fault, nearest
from rnnrepro.initialiser_names import (  # noqa: F401  part of the tables
    FANS,
    GATE_INITIALISERS,
    INITIALISERS,
    MATRIX_INITIALISERS,
    ORIENTATIONS,
    SKEW_INITIALISERS,
    parse_initialiser,
)
from rnnrepro.metrics import METRICS
from rnnrepro.tables.networks import (
    DRIVES,
    DROPOUT_ARGUMENTS,
    EMBEDDING_ARGUMENTS,
    MATRICES,
    MODELS,
    NETWORK_ARGUMENTS,
    READOUT_ARGUMENTS,
    START_ARGUMENTS,
    UPDATES,
)
from rnnrepro.tables.rows import Analysis, Component, Model  # noqa: F401
from rnnrepro.tables.rules import (  # noqa: F401
    CREDITS,
    FEEDBACKS,
    FIXED_FEEDBACK,
    NETWORK_RULES,
    RULE_ARGUMENTS,
    RULES,
    TRAINED,
    Rule,
)
from rnnrepro.tables.training import ANALYSES, OPTIMISERS, SCHEDULES, TASKS

PARTS = ("matrix", "drive", "update")
"""What a model is composed of."""

PLAIN_PARTS: dict[str, Mapping[str, Any]] = {
    "readout": READOUT_ARGUMENTS,
    "start": START_ARGUMENTS,
    "embedding": EMBEDDING_ARGUMENTS,
    "network": NETWORK_ARGUMENTS,
    "dropout": DROPOUT_ARGUMENTS,
    "rule": RULE_ARGUMENTS,
}
"""Parts that every model has in one form: their arguments with defaults."""

KINDS: dict[str, Mapping[str, Any]] = {
    "matrix": MATRICES,
    "drive": DRIVES,
    "update": UPDATES,
    "model": MODELS,
    "task": TASKS,
    "optimiser": OPTIMISERS,
    "schedule": SCHEDULES,
    "metric": METRICS,
    "analysis": ANALYSES,
    "rule": RULES,
}


def row(kind: str, name: str) -> Any:
    """The row `name` of the table `kind`. Raises Fault with the nearest known name."""
    table = KINDS[kind]
    if name not in table:
        raise Fault(f"unknown {kind} {name!r}{nearest(name, table)}")
    return table[name]


def parts(model: Model, given: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """{part: (its row, its arguments with every default)} of a model whose arguments `given` overrides by part.

    `kind` among a part's arguments puts another row in the place of the model's own. Raises Fault for an unknown row.
    """
    found = {}
    for part in PARTS:
        arguments = {name: value for name, value in given.get(part, {}).items() if name != "kind"}
        own = getattr(model, part)
        kind = str(given.get(part, {}).get("kind", own))
        defaults = {**row(part, kind).arguments, **(model.defaults.get(part, {}) if kind == own else {})}
        found[part] = (kind, {**defaults, **arguments})
    return found


def load(kind: str, name: str) -> Any:
    """Import and return what the row names (this is where torch comes in)."""
    module, attribute = row(kind, name).path.split(":")
    return getattr(importlib.import_module(module), attribute)
