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


def draw(view: View) -> Drawn:
    """The figure of kind `residual`, from the distances recorded at each evaluation."""
    entry = replace(view.entry, metric="residual", split="train", log=True, chance=False)
    kept = {
        key: cell
        for key, cell in view.records.items()
        if (series.select(cell, "residual", "train")["value"] > 0).any()
    }
    drawn = curves.draw(view.with_entry(entry, kept))
    others = dict.fromkeys(view.label(cell) for key, cell in view.records.items() if key not in kept)
    without = [f"Without a constraint, so not drawn: {', '.join(others)}."] if others else []
    return replace(
        drawn,
        notes=[*drawn.notes, *without],
        alt="Distance of the recurrent matrices from their constraints against optimiser steps.",
    )
