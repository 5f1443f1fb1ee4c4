"""Distance of the recurrent matrix from its constraint (‖I − WᵀW‖ for orthogonal ones) during training.

Drawn as curves on a logarithmic axis. A matrix without a constraint has none, and an exact 0 no logarithm: such
arms are left out and named.
"""

from __future__ import annotations

from dataclasses import replace

from rnnrepro.exhibits import series
from rnnrepro.exhibits.figures import curves
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.view import View

SPLITS = ("train", "analysis")


def draw(view: View) -> Drawn:
    """The figure of kind `residual`, from the residuals recorded at each evaluation."""
    kept, exact = {}, []
    for key, cell in view.records.items():
        runs = series.select(cell, "residual", _split(cell))
        if (runs["value"] > 0).any():
            kept[key] = cell
        else:
            exact.append(view.label(cell))
    view.need(kept, "no run has a residual above 0")
    split = _split(next(iter(kept.values())))
    entry = replace(view.entry, metric="residual", split=split, log=True, chance=False, statistic="best")
    drawn = curves.draw(view.with_entry(entry, kept))
    unconstrained = (
        [f"Without a constraint, so not drawn: {', '.join(dict.fromkeys(exact))}."] if exact else []
    )
    return replace(
        drawn,
        notes=[*drawn.notes, *unconstrained],
        alt="Distance of the recurrent matrices from their constraints against optimiser steps.",
    )


def _split(cell) -> str:
    known = set(series.select(cell, "residual", "train")["split"])
    return "train" if known else "analysis"
