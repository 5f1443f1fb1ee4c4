"""Matrices, drives and updates, and the models composed of them."""

from __future__ import annotations

from typing import Any

from rnnrepro.tables import bilevel, momentum, rules
from rnnrepro.tables.rows import Component, Model

MATRICES: dict[str, Component] = {
    "free": Component(
        path="rnnrepro.matrices.free:Free",
        arguments={
            "init": "glorot_normal",
            "fan_in": None,
            "fan_out": None,
            "gain": 1.0,
            "forward": 0.99,
            "orientation": "paper",
        },
        about="unconstrained; `init` of INITIALISERS, MATRIX_INITIALISERS or GATE_INITIALISERS, the last with `gain`, "
        "`forward` and `orientation`; fans: numbers or words of FANS",
        per_run=("gain",),
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
        arguments={"init": "henaff", "rebase_every": 100, "project_every": 30, "chart": "exact"},
        about="W = B expm(X − Xᵀ), B ← W and X ← 0 every `rebase_every` steps; `chart`: `released` has the authors' "
        "gradient on the pass of a rebase",
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
    "unitary_cayley": Component(
        path="rnnrepro.matrices.unitary_cayley:UnitaryCayley",
        arguments={"init": "cayley", "phases": "uniform(3.141592653589793)"},
        about="complex W = (I+A)^{-1}(I−A) diag(e^{iθ}), A skew-Hermitian and θ trained",
    ),
    "urnn_rc": Component(
        path="rnnrepro.matrices.urnn:RestrictedUnitary",
        arguments={"phases": "uniform(3.141592653589793)", "reflections": "glorot_uniform"},
        about="complex W = D₃R₂F⁻¹D₂ΠR₁FD₁: phases, reflections, a permutation, Fourier transforms",
    ),
    "unitary": Component(
        path="rnnrepro.matrices.unitary:Unitary",
        arguments={"polish": True},
        about="complex W itself, moved along the unitary group by W ← (I+𝒜/2)^{-1}(I−𝒜/2)W; starts as urnn_rc",
    ),
    "givens": Component(
        path="rnnrepro.matrices.givens:Givens",
        arguments={"layers": None, "init": "uniform(3.141592653589793)"},
        about="`layers` layers of 2×2 rotations (None: N, all of SO(N)), undone in the backward pass",
    ),
    "givens_complex": Component(
        path="rnnrepro.matrices.givens:ComplexGivens",
        arguments={"layers": None, "init": "uniform(3.141592653589793)"},
        about="as givens with a phase for each rotation and each unit (None: all of U(N))",
    ),
    **bilevel.MATRICES,
    **rules.MATRICES,
}

DRIVES: dict[str, Component] = {
    "affine": Component(
        path="rnnrepro.drives.affine:Affine",
        arguments={"init": "glorot_normal", "fan_in": None, "fan_out": None, "bias": None},
        about="z_t = x_t U + bias; `bias` names its initialiser (None: no bias); fans as in free, for both",
    ),
    **bilevel.DRIVES,
    **momentum.DRIVES,
    **rules.DRIVES,
}

UPDATES: dict[str, Component] = {
    "modrelu": Component(
        path="rnnrepro.updates.pointwise:ModReLU",
        arguments={"bias": "uniform(0.01)"},
        about="h = sign(z) relu(|z| + b)",
    ),
    "complex_modrelu": Component(
        gates=2,
        planes=2,
        path="rnnrepro.updates.complex:ComplexModReLU",
        arguments={"bias": "uniform(0.01)", "root": 1e-5, "denominator": 1e-5},
        about="h = z relu(r + b)/(r + denominator), r = sqrt(|z|² + root), for complex z",
    ),
    "tanh": Component(path="rnnrepro.updates.pointwise:Tanh", about="h = tanh z"),
    "relu": Component(path="rnnrepro.updates.pointwise:ReLU", about="h = max(z, 0)"),
    "elu": Component(path="rnnrepro.updates.pointwise:ELU", about="h = elu(z)"),
    "leaky_tanh": Component(
        path="rnnrepro.updates.leaky_tanh:LeakyTanh",
        arguments={"tau": 10.0},
        about="h ← (1 − 1/τ) h + (1/τ) tanh z",
    ),
    "lstm": Component(
        path="rnnrepro.updates.lstm:LSTM",
        gates=4,
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
    **bilevel.UPDATES,
    **momentum.UPDATES,
}

_FROM_NORMAL: dict[str, dict[str, Any]] = {
    "drive": {"init": "fan_in_normal(0.9)", "fan_in": "hidden", "bias": "zeros"},
    "readout": {"init": "glorot_uniform", "bias": "zeros"},
}
_FROM_CHAIN = {**_FROM_NORMAL, "drive": {"init": "identity(0.9)", "bias": "zeros"}}

_UNITARY: dict[str, dict[str, Any]] = {
    "drive": {"init": "glorot_uniform"},
    "start": {"init": "glorot_vector"},
    "readout": {"init": "glorot_uniform", "bias": "zeros"},
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
    "identity": Model(
        matrix="free",
        update="elu",
        defaults={**_FROM_NORMAL, "matrix": {"init": "identity"}},
        about="ELU; the recurrent matrix starts as gain · I",
        source="Orhan and Pitkow 2020, Section 2",
    ),
    "orthogonal": Model(
        matrix="free",
        update="elu",
        defaults={**_FROM_NORMAL, "matrix": {"init": "orthogonal"}},
        about="ELU; the recurrent matrix starts as gain · Q, Q orthogonal, and is then trained freely",
        source="Orhan and Pitkow 2020, Section 2",
    ),
    "chain": Model(
        matrix="free",
        update="elu",
        defaults={**_FROM_CHAIN, "matrix": {"init": "chain"}},
        about="ELU; the recurrent matrix starts as a chain: unit k feeds unit k + 1 with weight `gain`",
        source="Orhan and Pitkow 2020, Section 2",
    ),
    "fbchain": Model(
        matrix="free",
        update="elu",
        defaults={**_FROM_CHAIN, "matrix": {"init": "fbchain", "gain": 0.04}},
        about="ELU; as chain, with weight `forward`, and feedback of weight `gain` to the unit before",
        source="Orhan and Pitkow 2020, Section 2",
    ),
    "scurnn": Model(
        matrix="unitary_cayley",
        update="complex_modrelu",
        defaults={
            "drive": {"init": "glorot_uniform"},
            "start": {"init": "uniform(0.01)"},
            "readout": {"init": "glorot_uniform", "bias": "zeros"},
        },
        about="unitary by the scaled Cayley transform, its scaling trained",
        source="Maduranga, Helfrich and Ye 2019",
    ),
    "urnn_rc": Model(
        matrix="urnn_rc",
        update="complex_modrelu",
        defaults={"update": {"root": 0.0}, **_UNITARY},
        about="unitary of restricted capacity",
        source="Arjovsky, Shah and Bengio 2016",
    ),
    "urnn_fc": Model(
        matrix="unitary",
        update="complex_modrelu",
        defaults=_UNITARY,
        about="unitary of full capacity, moved along the group",
        source="Wisdom et al. 2016",
    ),
    "eurnn": Model(
        matrix="givens", about="orthogonal by layers of rotations, real", source="Jing et al. 2017"
    ),
    "eurnn_complex": Model(
        matrix="givens_complex",
        update="complex_modrelu",
        defaults={"update": {"root": 0.0}},
        about="unitary by layers of rotations",
        source="Jing et al. 2017",
    ),
    "leaky_rnn": Model(
        matrix="free",
        update="leaky_tanh",
        defaults={
            "matrix": {"init": "fan_in_normal(1.5)"},
            "drive": {"init": "uniform(1.0)"},
            "readout": {"init": "fan_in_uniform", "bias": "zeros"},
        },
        about="leaky tanh units, started in the chaotic regime",
        source="Murray 2019, Methods",
    ),
    **bilevel.MODELS,
    **momentum.MODELS,
}

READOUT_ARGUMENTS: dict[str, Any] = {"init": "fan_in_uniform", "bias": "fan_in_uniform"}

START_ARGUMENTS: dict[str, Any] = {"init": None, "trained": True}
"""Of the state before the first input: the initialiser of h_0, or None for zeros; whether it is trained."""

EMBEDDING_ARGUMENTS: dict[str, Any] = {"size": 0, "init": "uniform(0.1)"}

NETWORK_ARGUMENTS: dict[str, Any] = {"layers": 1, "last": None, "tied": False}
"""How many recurrent layers, the width of the last one (None: as the others), and whether the read-out's weight is the
embedding's, transposed."""

DROPOUT_ARGUMENTS: dict[str, float] = dict.fromkeys(
    ("input", "hidden", "output", "embedding", "recurrent"), 0.0
)
"""The probability that a feature of what enters the first layer, of what passes between layers or of the last output
is left out of a whole sequence, a row out of the embedding, an entry out of the recurrent matrices."""
