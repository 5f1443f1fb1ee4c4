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
    INITIALISERS,
    MATRIX_INITIALISERS,
    SKEW_INITIALISERS,
    parse_initialiser,
)
from rnnrepro.metrics import METRICS
from rnnrepro.tables.networks import (  # noqa: F401
    DRIVES,
    EMBEDDING_ARGUMENTS,
    MATRICES,
    MODELS,
    READOUT_ARGUMENTS,
    UPDATES,
)
from rnnrepro.tables.rows import Analysis, Component, Model  # noqa: F401
from rnnrepro.tables.training import ANALYSES, OPTIMISERS, SCHEDULES, TASKS

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
}


def row(kind: str, name: str) -> Any:
    """The row `name` of the table `kind`. Raises Fault with the nearest known name."""
    table = KINDS[kind]
    if name not in table:
        raise Fault(f"unknown {kind} {name!r}{nearest(name, table)}")
    return table[name]


def load(kind: str, name: str) -> Any:
    """Import and return what the row names (this is where torch comes in)."""
    module, attribute = row(kind, name).path.split(":")
    return getattr(importlib.import_module(module), attribute)
