"""Learning rules, how far credit goes back through the recurrent matrix and by what errors reach the units; with the
matrix and the drive that belong to such networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnnrepro.tables.rows import Component


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a step of training does: `path` is `module:class`, `arguments` its settings with defaults.

    A rule of a network says its `credit`, a word of CREDITS, and its `feedback`, one of FEEDBACKS; one that has neither
    trains something beside the network, in a later phase of an experiment.
    """

    credit: str | None = None
    feedback: str | None = None
    path: str = "rnnrepro.training.descent:Descent"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""
    source: str = ""


CREDITS: dict[str, str] = {
    "full": "through h and h W: backpropagation through time",
    "local": "through what the update itself keeps of h (its leak) alone",
}

FEEDBACKS: dict[str, str] = {
    "transpose": "the read-out's own weights, as they are",
    "fixed": "a matrix B of the read-out's shape that never changes",
}

FIXED_FEEDBACK = "normal(1.0)"
"""How B starts: N(0, 1) for each entry."""

TRAINED: dict[str, str] = {
    "all": "every parameter",
    "recurrent": "all but the read-out",
    "readout": "the read-out alone",
}

RULE_ARGUMENTS: dict[str, Any] = {"kind": "bptt", "feedback": None, "trains": "all", "fed_back": False}
"""Of how a network learns: a row of RULES; the initialiser of B (None: that of FIXED_FEEDBACK where the rule needs B,
otherwise no B; one that is named is drawn in any case, to compare with); a word of TRAINED; whether outputs enter the
units again through B, a step late (Murray 2019, Fig. 2, supplement 2)."""

RULES: dict[str, Rule] = {
    "bptt": Rule(
        credit="full",
        feedback="transpose",
        about="backpropagation through time, the gradient",
        source="Murray 2019, Eqs. 3–4, Appendix Eqs. 10–14 and 20–23",
    ),
    "rflo": Rule(
        credit="local",
        feedback="fixed",
        about="random feedback, local online learning",
        source="Murray 2019, Eqs. 5–6",
    ),
    "local_only": Rule(
        credit="local",
        feedback="transpose",
        about="local credit, errors by the read-out's own weights",
        source="Murray 2019, Fig. 2d",
    ),
    "random_feedback_only": Rule(
        credit="full",
        feedback="fixed",
        about="full credit, errors by fixed random weights",
        source="Murray 2019, Fig. 2d",
    ),
    "hebbian": Rule(
        path="rnnrepro.training.reward:Reward",
        arguments={"rate": 0.01, "explore": 0.1},
        about="a loop of weights from states to next inputs; the winner takes all, a reward strengthens its row",
        source="Murray 2019, Fig. 4",
    ),
}

NETWORK_RULES: tuple[str, ...] = tuple(name for name, rule in RULES.items() if rule.credit is not None)
"""The rules that train a network's own parameters."""

MATRICES: dict[str, Component] = {
    "dale": Component(
        path="rnnrepro.matrices.dale:Dale",
        arguments={"init": "glorot_normal", "fan_in": None, "fan_out": None},
        about="free with signs: rows of half the units ≥ 0, of the others ≤ 0, clipped after each step",
    ),
}

DRIVES: dict[str, Component] = {
    "lagged": Component(
        path="rnnrepro.drives.lagged:Lagged",
        arguments={"lag": 1, "init": "glorot_normal", "fan_in": None, "fan_out": None, "bias": None},
        about="as affine; the gradient of U reads x(t − `lag`): 1 as RFLO is printed, 0 the derivative",
    ),
}
