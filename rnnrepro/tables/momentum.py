"""Drives that filter their inputs over time, and the models with them (Nguyen et al., NeurIPS 2020)."""

from __future__ import annotations

from typing import Any

from rnnrepro.tables.rows import Component, Model

_ENTERING: dict[str, Any] = {
    "init": "glorot_normal",
    "fan_in": None,
    "fan_out": None,
    "bias": None,
    "outside": None,
    "forget": 0.0,
}

DRIVES: dict[str, Component] = {
    "momentum": Component(
        path="rnnrepro.drives.momentum:Momentum",
        arguments={**_ENTERING, "mu": 0.6, "epsilon": 0.6},
        about="z_t = v_t + b_h, v_t = μ v_{t−1} + ε g_t, g_t = x_t U + b_x; `bias` and `outside` name the initialisers "
        "of b_x and b_h (None: no such bias), `forget` is added to both in an LSTM's forget gate; fans as in affine",
        per_run=("mu", "epsilon"),
    ),
    "adam": Component(
        path="rnnrepro.drives.adam:Adam",
        arguments={**_ENTERING, "mu": 0.6, "epsilon": 0.6, "beta": 0.1},
        about="z_t = v_t/√(s_t + 1e-16) + b_h, v_t as in momentum, s_t = β s_{t−1} + (1 − β) g_t²",
        per_run=("mu", "epsilon", "beta"),
    ),
    "rmsprop": Component(
        path="rnnrepro.drives.adam:RMSProp",
        arguments={**_ENTERING, "epsilon": 0.6, "beta": 0.9},
        about="as adam with μ = 0",
        per_run=("epsilon", "beta"),
    ),
    "restart": Component(
        path="rnnrepro.drives.restart:Restart",
        arguments={**_ENTERING, "epsilon": 1.0, "period": 2, "phase": "sequence"},
        about="z_t = v_t + b_h, v_t = c_t v_{t−1} + ε g_t, c_t = m/(m + 3), m = (t − 1) mod `period`; `phase`: m goes "
        "on through a `sequence` or restarts with each `chunk` of it",
        per_run=("epsilon", "period"),
    ),
    "descent": Component(
        path="rnnrepro.drives.restart:Descent",
        arguments={**_ENTERING, "epsilon": 1.0, "period": 2, "phase": "sequence"},
        about="z_t = b_h − ε g_t, and c_t as in restart for an update with momentum of its own",
        per_run=("epsilon", "period"),
    ),
}

UPDATES: dict[str, Component] = {
    "restart_lstm": Component(
        path="rnnrepro.updates.restart_lstm:RestartLSTM",
        gates=4,
        about="lstm of y_t + c_t (y_t − y_{t−1}), y_t = h W + z_t, with c_t the number `momentum` a step of the drive",
    ),
}

_PRINTED = {
    "momentum": "with momentum",
    "adam": "with momentum and divided by the root of their mean square, as by Adam",
    "rmsprop": "divided by the root of their mean square, as by RMSProp",
    "restart": "with Nesterov's momentum and scheduled restarts",
}

# The authors' own start: `orthogonal_` of all gates' input weights at once, and `eye_` of all gates' recurrent weights.
_LSTM: dict[str, dict[str, Any]] = {
    "matrix": {"init": "first_gate_identity"},
    "drive": {
        "init": "orthonormal",
        "bias": "zeros",
        "outside": "zeros",
        "forget": 1.0,
    },
}
_RNN: dict[str, dict[str, Any]] = {
    "matrix": {"init": "fan_in_uniform"},
    "drive": {
        "init": "fan_in_uniform",
        "fan_in": "hidden",
        "bias": "fan_in_uniform",
        "outside": "fan_in_uniform",
    },
}
_DTRIV: dict[str, dict[str, Any]] = {
    "matrix": {"init": "cayley", "rebase_every": None, "project_every": 100},
    "drive": {"init": "kaiming_normal"},
}

_SOURCE = "Nguyen, Baraniuk, Bertozzi, Osher and Wang 2020"

MODELS: dict[str, Model] = {
    **{
        f"{drive}_rnn": Model(
            matrix="free",
            drive=drive,
            update="tanh",
            defaults=_RNN,
            about=f"tanh units, inputs accumulated {how}; initialised as PyTorch's",
            source=_SOURCE,
        )
        for drive, how in _PRINTED.items()
    },
    **{
        f"{drive}_lstm": Model(
            matrix="free",
            drive=drive,
            update="lstm",
            defaults=_LSTM,
            about=f"long short-term memory, inputs of all gates accumulated {how}",
            source=_SOURCE,
        )
        for drive, how in _PRINTED.items()
    },
    "restart_lstm_released": Model(
        matrix="free",
        drive="descent",
        update="restart_lstm",
        defaults=_LSTM,
        about="as restart_lstm in the released code: momentum of inputs and recurrent product, inputs with a minus",
        source="code of Nguyen et al. 2020, `NesterovLSTMCell`",
    ),
    **{
        f"{drive}_dtriv": Model(
            matrix="dynamic_expm",
            drive=drive,
            defaults=_DTRIV,
            about=f"dynamic trivialisation, inputs accumulated {how}",
            source=_SOURCE,
        )
        for drive, how in _PRINTED.items()
    },
}
