"""Learning rules, how far credit goes back through the recurrent matrix and by what errors reach the units; with the
matrix and the drive that belong to such networks."""

from __future__ import annotations

from dataclasses import dataclass

from rnnrepro.tables.rows import Component


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`credit`, a word of CREDITS, and `feedback`, one of FEEDBACKS."""

    credit: str
    feedback: str
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

RULE_ARGUMENTS: dict[str, str | None] = {"kind": "bptt", "feedback": None, "trains": "all"}
"""Of how a network learns: a row of RULES; the initialiser of B (None: that of FIXED_FEEDBACK where the rule needs B,
otherwise no B; one that is named is drawn in any case, to compare with); a word of TRAINED."""

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
}

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
