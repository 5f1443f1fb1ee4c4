"""Updates that approach an equilibrium by inner steps at every time: iRNN (Kag, Zhang and Saligrama, ICLR 2020)."""

from __future__ import annotations

from collections.abc import Mapping

from rnnrepro.updates.base import Update
from rnnrepro.updates.stage import Stage
from rnnrepro.updates.words import tanh


def inner_step(u, both, before, eta, last, alpha, carry):
    c = tanh(u)
    h = both - before + eta * (c - alpha * both)
    before_next = before + last * (h - before)
    return h, before_next + h - last * (1.0 - carry) * h, before_next, c, both, before


def inner_step_back(dh, dboth, dbefore, c, both_old, before_old, eta, last, alpha, carry):
    pull = c - alpha * both_old
    h = both_old - before_old + eta * pull
    dlast = dbefore * (h - before_old) + dboth * (carry * h - before_old)
    dh_all = dh + dboth * (1.0 - last * (1.0 - carry)) + last * (dboth + dbefore)
    dbefore_old = (dboth + dbefore) * (1.0 - last) - dh_all
    dpull = eta * dh_all
    return dpull * (1.0 - c * c), dh_all - alpha * dpull, dbefore_old, dh_all * pull, dlast


class InnerSteps(Update):
    """h ← h + η_k (tanh(u) − α (h + h_prev)), u = (h + h_prev) W + z, for k = 1 … K at every time.

    Each inner step is a step of the scan: the drive repeats z and says with each step its `eta` and whether it is the
    `last` of its time, 1 or 0. The state is (h, h + h_prev, h_prev), of which W multiplies the second. The first inner
    step of a time starts from `carry` · h_prev.
    """

    stages = (
        Stage(
            inner_step,
            inner_step_back,
            saves=("c", "both_old", "before_old"),
            gradients=("u", "both", "before", "eta", "last"),
        ),
    )
    state = (("h",), ("both",), ("before",))
    reads = 1

    def __init__(self, alpha: float = 1.0, carry: float = 0.0) -> None:
        self.alpha, self.carry = alpha, carry

    @property
    def constants(self) -> Mapping[str, float]:
        return {"alpha": self.alpha, "carry": self.carry}
