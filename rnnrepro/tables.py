"""Every vocabulary of the package as rows of a table.

This module imports neither torch nor pandas, so that configurations can be checked and planned in an
instant. A row says where its class lives and which arguments it takes with which defaults; a conformance
test holds each class to its row.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, kw_only=True)
class Component:
    """One named part: `path` is `module:attribute`, `arguments` its settings with defaults."""

    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A composition: which matrix, drive and update, and the defaults that make the model what it is."""

    matrix: str
    drive: str = "affine"
    update: str = "modrelu"
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    about: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Analysis(Component):
    """A measurement on networks, made `at` the `ends` of a training or at its `evaluations` as well."""

    at: str = "ends"


MATRICES: dict[str, Component] = {
    "free": Component(
        path="rnnrepro.matrices.free:Free",
        arguments={"init": "glorot_normal", "fan_in": None, "fan_out": None},
        about="unconstrained; `init` of INITIALISERS or MATRIX_INITIALISERS; fans: numbers or words of FANS",
    ),
    "cayley": Component(
        path="rnnrepro.matrices.cayley:ScaledCayley",
        arguments={"init": "cayley", "negative": 0, "order": "code"},
        about="W = (I+A)^{-1}(I−A)D, A skew, D fixed with `negative` entries −1 (last)",
    ),
    "expm": Component(
        path="rnnrepro.matrices.expm:Exponential",
        arguments={"init": "henaff"},
        about="W = expm(X − Xᵀ): static trivialisation at the identity",
    ),
    "dynamic_expm": Component(
        path="rnnrepro.matrices.expm:DynamicExponential",
        arguments={"init": "henaff", "rebase_every": 100, "project_every": 30},
        about="W = B expm(X − Xᵀ), B ← W and X ← 0 every `rebase_every` steps",
    ),
    "schur": Component(
        path="rnnrepro.matrices.schur:Schur",
        arguments={"init": "henaff", "radius_penalty": 0.0},
        about="V = PΘPᵀ, Θ rotations + strict lower triangle, P = expm(skew)",
    ),
    "coupled": Component(
        path="rnnrepro.matrices.coupled:Coupled",
        arguments={
            "short": 0,
            "negative": 0,
            "coupled": True,
            "normalise": "latch",
            "init": "cayley_positive",
            "short_init": "scaled_rotations",
            "coupling_init": "glorot_uniform",
        },
        about="block triangular: scaled Cayley ⊕ the last `short` units, eigenvalue-normalised; coupled",
    ),
}

DRIVES: dict[str, Component] = {
    "affine": Component(
        path="rnnrepro.drives.affine:Affine",
        arguments={"init": "glorot_normal", "fan_in": None, "fan_out": None, "bias": None},
        about="z_t = x_t U + bias; `bias` names its initialiser (None: no bias); fans as in free, for both",
    ),
}

UPDATES: dict[str, Component] = {
    "modrelu": Component(
        path="rnnrepro.updates.pointwise:ModReLU",
        arguments={"bias": "uniform(0.01)"},
        about="h = sign(z) relu(|z| + b)",
    ),
    "tanh": Component(path="rnnrepro.updates.pointwise:Tanh", about="h = tanh z"),
    "relu": Component(path="rnnrepro.updates.pointwise:ReLU", about="h = max(z, 0)"),
    "elu": Component(path="rnnrepro.updates.pointwise:ELU", about="h = elu(z)"),
    "lstm": Component(
        path="rnnrepro.updates.lstm:LSTM",
        arguments={"forget_offset": 0.0},
        about="gates i, f, g, o; c = σ(f + forget_offset) c + σ(i) tanh(g); h = σ(o) tanh(c)",
    ),
    "bilevel_sgd": Component(
        path="rnnrepro.updates.bilevel:BilevelSGD",
        arguments={"eta": 1e-3, "alpha": 1.0},
        about="h ← h − η ∇F(h), ∇F = α r − (s ∘ r) Wᵀ, r = α h − relu(z), s = 1[z > 0]",
    ),
    "bilevel_shb": Component(
        path="rnnrepro.updates.bilevel:BilevelHeavyBall",
        arguments={"eta": 1e-3, "alpha": 1.0, "momentum": 0.5},
        about="m ← μ m − η ∇F(h); h ← h + m; ∇F as in bilevel_sgd; μ trained, from `momentum`",
    ),
    "bilevel_snag": Component(
        path="rnnrepro.updates.bilevel:BilevelNesterov",
        arguments={"eta": 1e-3, "alpha": 1.0, "momentum": 0.5},
        about="m' = h − η ∇F(h); h ← m' + μ (m' − m); m ← m'; ∇F as in bilevel_sgd; μ trained, from `momentum`",
    ),
}

MODELS: dict[str, Model] = {
    "rnn": Model(
        matrix="free", about="unconstrained recurrent matrix, modReLU", source="nnRNN, supplement A"
    ),
    "rnn_orth": Model(
        matrix="free",
        defaults={"matrix": {"init": "rotations_henaff"}},
        about="as rnn, the recurrent matrix starts orthogonal and is then trained freely",
        source="nnRNN, supplement A",
    ),
    "lstm": Model(
        matrix="free",
        update="lstm",
        defaults={
            "matrix": {"init": "fan_in_uniform"},
            "drive": {"init": "fan_in_uniform", "fan_in": "hidden", "bias": "fan_in_uniform_twice"},
        },
        about="long short-term memory; without arguments initialised as PyTorch's",
        source="Hochreiter and Schmidhuber 1997",
    ),
    "exprnn": Model(matrix="expm", about="orthogonal by the exponential map", source="Lezcano-Casado 2019"),
    "dtriv": Model(matrix="dynamic_expm", about="dynamic trivialisation", source="Lezcano-Casado 2019b"),
    "scornn": Model(
        matrix="cayley",
        defaults={"drive": {"init": "uniform(0.01)"}, "update": {"bias": "zeros"}},
        about="orthogonal by the scaled Cayley transform",
        source="Helfrich, Willmott and Ye 2018",
    ),
    "nnrnn": Model(matrix="schur", about="non-normal by the real Schur form", source="Kerg et al. 2019"),
    "enrnn": Model(
        matrix="coupled",
        defaults={"drive": {"init": "uniform(0.01)"}, "update": {"bias": "zeros"}},
        about="long-term orthogonal state, short-term eigenvalue-normalised state",
        source="Helfrich and Ye 2020",
    ),
}
READOUT_ARGUMENTS: dict[str, Any] = {"init": "fan_in_uniform", "bias": "fan_in_uniform"}
EMBEDDING_ARGUMENTS: dict[str, Any] = {"size": 0, "init": "uniform(0.1)"}

TASKS: dict[str, Component] = {
    "copying": Component(
        path="rnnrepro.tasks.copying:Copying",
        arguments={
            "symbols": 10,
            "alphabet": 8,
            "blanks_before_cue": 99,
            "blanks_after_cue": 10,
            "pool": None,
            "test": 1000,
        },
        about="recall `symbols` symbols after a cue; input one-hot; `pool` None = fresh data each step",
    ),
    "adding": Component(
        path="rnnrepro.tasks.adding:Adding",
        arguments={"length": 100, "marks": "halves", "pool": None, "reshuffle": True, "test": 1000},
        about="sum of the two marked numbers, read at the last step",
    ),
    "pixels": Component(
        path="rnnrepro.tasks.pixels:Pixels",
        arguments={
            "images": "digits",
            "pool_size": 1,
            "permutation": None,
            "split": "validation_last",
            "train": None,
            "validation": 0,
            "test": None,
            "reshuffle": True,
        },
        about="images read one pixel a step, class at the last step; `permutation` is the seed of their order",
    ),
    "characters": Component(
        path="rnnrepro.tasks.characters:Characters",
        arguments={
            "text": "ptb_char",
            "length": 150,
            "evaluation_batch": 10,
            "train": None,
            "validation": None,
            "test": None,
        },
        about="next character of contiguous streams, state carried and detached",
    ),
}

OPTIMISERS: dict[str, Component] = {
    "sgd": Component(path="rnnrepro.optim.forms:SGD", arguments={"momentum": 0.0, "weight_decay": 0.0}),
    "adam_torch": Component(
        path="rnnrepro.optim.forms:AdamTorch",
        arguments={"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0},
    ),
    "adam_tf": Component(
        path="rnnrepro.optim.forms:AdamTF",
        arguments={"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0},
    ),
    "adam_keras": Component(
        path="rnnrepro.optim.forms:AdamKeras",
        arguments={"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7, "weight_decay": 0.0},
    ),
    "rmsprop_torch": Component(
        path="rnnrepro.optim.forms:RMSPropTorch",
        arguments={"decay": 0.99, "epsilon": 1e-8, "weight_decay": 0.0},
    ),
    "rmsprop_tf": Component(
        path="rnnrepro.optim.forms:RMSPropTF",
        arguments={"decay": 0.9, "epsilon": 1e-10, "initial_square": 1.0, "weight_decay": 0.0},
    ),
    "rmsprop_keras": Component(
        path="rnnrepro.optim.forms:RMSPropKeras",
        arguments={"decay": 0.9, "epsilon": 1e-7, "weight_decay": 0.0},
    ),
    "adagrad_torch": Component(
        path="rnnrepro.optim.forms:AdagradTorch",
        arguments={"initial_accumulator": 0.0, "epsilon": 1e-10, "weight_decay": 0.0},
    ),
    "adagrad_tf": Component(
        path="rnnrepro.optim.forms:AdagradTF",
        arguments={"initial_accumulator": 0.1, "weight_decay": 0.0},
    ),
    "adagrad_keras": Component(
        path="rnnrepro.optim.forms:AdagradKeras",
        arguments={"initial_accumulator": 0.1, "epsilon": 1e-7, "weight_decay": 0.0},
    ),
}

SCHEDULES: dict[str, Component] = {
    "constant": Component(path="rnnrepro.optim.schedules:constant", about="factor 1"),
    "halve_on_plateau": Component(
        path="rnnrepro.optim.schedules:halve_on_plateau",
        about="halved after each evaluation without a new best validation loss (nnRNN, Penn Treebank)",
    ),
}

ANALYSES: dict[str, Analysis] = {
    "schur_form": Analysis(
        path="rnnrepro.analysis.matrices:schur_form",
        about="entries, rotations and sub-diagonal profile of a learned Schur form",
    ),
    "spectrum": Analysis(
        path="rnnrepro.analysis.matrices:spectrum", about="eigenvalues of the recurrent matrix and its blocks"
    ),
    "nonnormality": Analysis(
        path="rnnrepro.analysis.matrices:nonnormality", about="how far the recurrent matrix is from normal"
    ),
    "gradient_flow": Analysis(
        path="rnnrepro.analysis.trajectories:gradient_flow", about="norm of the loss gradient at each state"
    ),
    "gradient_start": Analysis(
        path="rnnrepro.analysis.trajectories:gradient_start",
        about="norm of the loss gradient at the initial state alone",
        at="evaluations",
    ),
    "spectral_radius": Analysis(
        path="rnnrepro.analysis.matrices:spectral_radius",
        about="spectral radius of a short-term matrix before normalisation, and whether that has begun",
        at="evaluations",
    ),
    "forgetting": Analysis(
        path="rnnrepro.analysis.trajectories:forgetting",
        about="how long one changed input stays in the state",
    ),
}

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
