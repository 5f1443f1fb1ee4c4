"""Rows of SBO-RNN and of the recurrent networks that its paper compares it with (see `rnnrepro.tables.networks`)."""

from __future__ import annotations

from typing import Any

from rnnrepro.tables.rows import Component, Model

MATRICES: dict[str, Component] = {
    "low_rank": Component(
        path="rnnrepro.matrices.low_rank:LowRank",
        arguments={"rank": 50, "init": "fan_in_uniform", "full_init": "zeros", "frozen": False},
        about="W = I + U V of this `rank`, or I + M (null); `init` of U and V, `full_init` of M; `frozen`: not trained",
    ),
    "scaled_identity": Component(
        path="rnnrepro.matrices.diagonal:ScaledIdentity",
        arguments={"scale": 0.0},
        about="W = w I, w one trained number, from `scale`",
        per_run=("scale",),
    ),
    "diagonal": Component(
        path="rnnrepro.matrices.diagonal:Diagonal",
        arguments={"low": 0.0, "high": 1.0},
        about="W = diag(w), w from U(`low`, `high`)",
    ),
    "antisymmetric": Component(
        path="rnnrepro.matrices.damped:Antisymmetric",
        arguments={"init": "fan_in_normal(1.0)", "gamma": 0.01},
        about="W = M − Mᵀ − γI, M strictly upper triangular",
    ),
    "lipschitz": Component(
        path="rnnrepro.matrices.damped:Lipschitz",
        arguments={"beta": 0.75, "gamma": 0.001, "std": 1.0},
        about="[A | W], each (1 − β)(M + Mᵀ) + β(M − Mᵀ) − γI; entries of M normal, deviation `std` / N",
    ),
}

DRIVES: dict[str, Component] = {
    "one_gate": Component(
        path="rnnrepro.drives.one_gate:OneGate",
        arguments={"gate": 0, "init": "glorot_normal", "fan_in": None, "fan_out": None, "bias": None},
        about="as affine, into the columns of one gate; 0 in the others",
    ),
    "repeated": Component(
        path="rnnrepro.drives.repeated:Repeated",
        arguments={
            "steps": 5,
            "eta": 0.1,
            "init": "glorot_normal",
            "fan_in": None,
            "fan_out": None,
            "bias": None,
        },
        about="as affine, each z for `steps` steps of the scan, with an η each, trained, from `eta`",
    ),
}

UPDATES: dict[str, Component] = {
    "fastrnn": Component(
        path="rnnrepro.updates.fast:FastRNN",
        arguments={"write": -3.0, "keep": 3.0},
        about="h ← α tanh z + β h, α = σ(write), β = σ(keep), both trained",
    ),
    "fastgrnn": Component(
        path="rnnrepro.updates.fast:FastGRNN",
        arguments={"zeta": 1.0, "nu": -4.0, "gate_bias": "ones", "update_bias": "ones"},
        about="g = σ(z + gate_bias), c = tanh(z + update_bias), h ← (σ(zeta) (1 − g) + σ(nu)) c + g h",
    ),
    "euler_tanh": Component(
        path="rnnrepro.updates.euler:EulerTanh", arguments={"step": 0.1}, about="h ← h + step · tanh z"
    ),
    "lipschitz": Component(
        gates=2,
        path="rnnrepro.updates.euler:Lipschitz",
        arguments={"step": 0.03},
        about="gates linear, inner; h ← h + step · (linear + tanh inner)",
    ),
    "inner_steps": Component(
        path="rnnrepro.updates.equilibrium:InnerSteps",
        arguments={"alpha": 1.0, "carry": 0.0},
        about="h ← h + η (tanh z − alpha (h + h_prev)) several times, from carry · h_prev; W multiplies h + h_prev",
    ),
}

_SBO = "Zhang et al. 2021"
_BILEVEL: dict[str, dict[str, Any]] = {
    "drive": {"init": "fan_in_uniform", "fan_in": "hidden", "bias": "fan_in_uniform"}
}
_STEPS = {"sgd": "gradient descent", "shb": "heavy ball", "snag": "Nesterov"}
_FAST: dict[str, dict[str, Any]] = {"matrix": {"init": "normal(0.1)"}, "drive": {"init": "normal(0.1)"}}

MODELS: dict[str, Model] = {
    **{
        f"sbo_{name}": Model(
            matrix="low_rank",
            update=f"bilevel_{name}",
            defaults=_BILEVEL,
            about=f"a step of {about} on a lower-level objective; W = I + U V",
            source=_SBO,
        )
        for name, about in _STEPS.items()
    },
    **{
        f"sbo_{name}_sparse": Model(
            matrix="scaled_identity",
            update=f"bilevel_{name}",
            defaults=_BILEVEL,
            about=f"as sbo_{name} with W = w I, so that units meet in the read-out alone",
            source=_SBO,
        )
        for name in _STEPS
    },
    "fastrnn": Model(
        matrix="free",
        update="fastrnn",
        defaults={**_FAST, "drive": {**_FAST["drive"], "bias": "ones"}},
        about="a weighted residual connection with two trained numbers",
        source="Kusupati et al. 2018",
    ),
    "fastgrnn": Model(
        matrix="free",
        update="fastgrnn",
        defaults=_FAST,
        about="a gate and an update that share one product",
        source="Kusupati et al. 2018",
    ),
    "antisymmetric": Model(
        matrix="antisymmetric",
        update="euler_tanh",
        defaults={"drive": {"init": "fan_in_normal(1.0)", "bias": "zeros"}},
        about="Euler steps of a differential equation with a skew, slightly damped matrix",
        source="Chang et al. 2019",
    ),
    "lipschitz": Model(
        matrix="lipschitz",
        drive="one_gate",
        update="lipschitz",
        defaults={"drive": {"gate": 1, "init": "fan_in_uniform", "bias": "fan_in_uniform"}},
        about="Euler steps of a differential equation with a linear and a Lipschitz part",
        source="Erichson et al. 2021",
    ),
    "indrnn": Model(
        matrix="diagonal",
        update="relu",
        defaults={"drive": {"init": "fan_in_uniform", "bias": "zeros"}},
        about="units that read themselves alone, relu",
        source="Li et al. 2018",
    ),
    "irnn": Model(
        matrix="free",
        drive="repeated",
        update="inner_steps",
        defaults={
            "matrix": {"init": "fan_in_uniform"},
            "drive": {"init": "fan_in_uniform", "bias": "fan_in_uniform"},
        },
        about="inner steps towards an equilibrium at every time",
        source="Kag, Zhang and Saligrama 2020",
    ),
}
