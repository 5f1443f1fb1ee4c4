"""How far the loss gradient reaches back, over training: ‖∂L/∂h_t‖ by t and training step, an image for each model.

Below, the same as lines at chosen steps. The runs must have stored `gradient_norm` at their evaluations, by the
analysis `gradient_history`. One colour scale for all images, logarithmic where the exhibit's `log` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize

from rnnrepro.exhibits import chosen, series, style
from rnnrepro.exhibits.figures import arrays, layout
from rnnrepro.exhibits.figures.drawn import Drawn
from rnnrepro.exhibits.figures.looks import Look, looks
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.exhibits.view import View
from rnnrepro.records import CellRecords

METRIC = "gradient_norm"
ACROSS = 4


@dataclass(frozen=True)
class Image:
    """The norms of one arm at one grid point: at each of `steps` a median over seeds `norms` (steps, T + 1)."""

    experiment: str
    arm: str
    title: str
    look: Look
    steps: np.ndarray
    norms: np.ndarray
    runs: Mapping[int, Mapping[int, np.ndarray]]
    seeds: int
    diverged: int


def draw(view: View) -> Drawn:
    """Images above, lines below. Raises Fault where no run stored the norms more than at its ends."""
    found = _gather(view)
    view.need(
        found, "no run has stored gradient_norm at evaluations; name gradient_history among the analyses"
    )
    steps = _steps(view, found)
    with style.journal():
        drawn = style.figure(52 * -(-len(found) // ACROSS) + 56, wide=True)
        upper, lower = drawn.subfigures(2, 1, height_ratios=[-(-len(found) // ACROSS), 1.05])
        axes = _images(view, upper, found)
        below = lower.subplots(1, len(steps), squeeze=False, sharey=True)[0]
        for ax, step in zip(below, steps, strict=True):
            _lines(ax, found, step)
        below[0].set_ylabel("‖∂L/∂h$_t$‖")
        layout.share_limits(below)
        layout.log_axis(below[0].yaxis)
        style.panel_letters([*axes, *below])
        layout.shared_legend(lower, list({i.title: (i.title, *i.look) for i in found}.values()))
    return Drawn(drawn, _numbers(view, found, steps), _notes(view, found), _alt(found))


def _gather(view: View) -> list[Image]:
    cells = {experiment: view.records_of(experiment) for experiment in view.entry.experiments}
    several = sum(map(bool, cells.values())) > 1
    found = []
    for experiment, every in cells.items():
        own = looks(view, every)
        ending = f", {view.experiment_title(experiment)}" if several else ""
        for cell in every:
            points = series.points(cell)
            for point in points:
                named = view.label(cell) + (f", {chosen.spoken(point, points)}" if len(points) > 1 else "")
                image = _image(cell, point, experiment, named + ending, own[cell.provenance["arm"]])
                found += [image] if image is not None else []
    return found


def _image(cell: CellRecords, point: str, experiment: str, title: str, look: Look) -> Image | None:
    """The image of a grid point; None where fewer than three steps are stored."""
    rows = series.select(cell, METRIC, "analysis", point=point)
    runs: dict[int, dict[int, np.ndarray]] = {}
    for (step, seed), part in rows.groupby(["step", "seed"], sort=True):
        runs.setdefault(int(step), {})[int(seed)] = part.sort_values("index")["value"].to_numpy()
    if len(runs) < 3:
        return None
    middle = [np.median(list(own.values()), axis=0) for own in runs.values()]
    states = [state for (where, _), state in cell.status.items() if where == point]
    lost = sum(state == "diverged" for state in states)
    arm = cell.provenance["arm"]
    return Image(
        experiment, arm, title, look, np.array(list(runs)), np.array(middle), runs, len(states), lost
    )


def _steps(view: View, found: Sequence[Image]) -> list[int]:
    """The steps of the lines, each the recorded one that is nearest."""
    every = np.unique(np.concatenate([image.steps for image in found]))
    wanted = view.option("steps", None) or [every[0], every[len(every) // 2], every[-1]]
    view.need(len(wanted) <= ACROSS, f"option steps: at most {ACROSS} fit side by side")
    return [int(every[np.abs(every - step).argmin()]) for step in wanted]


def _images(view: View, place: Any, found: Sequence[Image]) -> list[Axes]:
    scale = _scale(view, found)
    columns = min(len(found), ACROSS)
    grid = place.subplots(-(-len(found) // columns), columns, squeeze=False, sharex=True, sharey=True)
    for ax in grid.flat[len(found) :]:
        ax.remove()
    axes = list(grid.flat[: len(found)])
    for ax, image in zip(axes, found, strict=True):
        shown = ax.pcolormesh(
            _edges(np.arange(image.norms.shape[1])),
            _edges(image.steps),
            np.maximum(image.norms, scale.vmin),
            norm=scale,
            cmap="cividis",
            rasterized=True,
        )
        layout.title(ax, image.title, letters={4: 20, 3: 28}.get(columns, 40))
    for ax in axes[-columns:]:
        ax.set_xlabel("time step t")
    for ax in axes[::columns]:
        ax.set_ylabel("optimiser step")
    bar = place.colorbar(shown, ax=axes, aspect=22, pad=0.01, fraction=0.05, extend=_extend(found, scale))
    bar.set_label("‖∂L/∂h$_t$‖")
    bar.outline.set_linewidth(0.5)
    if isinstance(scale, LogNorm):
        layout.log_axis(bar.ax.yaxis)
    return axes


def _edges(places: np.ndarray) -> np.ndarray:
    """Where each place's stripe begins and ends: half way to its neighbours, and not below the first one."""
    middle = (places[1:] + places[:-1]) / 2
    return np.concatenate([[places[0]], middle, [places[-1] + (places[-1] - middle[-1])]])


def _scale(view: View, found: Sequence[Image]) -> Normalize:
    """One scale for all images, so that they can be compared."""
    values = np.concatenate([image.norms.ravel() for image in found])
    values = values[np.isfinite(values) & (values > 0)]
    view.need(len(values), "every gradient is zero or not finite")
    high = float(view.option("clip", values.max()))
    if not view.entry.log:
        return Normalize(0.0, high)
    return LogNorm(float(view.option("floor", max(values.min(), 1e-8 * high))), high)


def _extend(found: Sequence[Image], scale: Normalize) -> str:
    """Whether the bar goes on beyond its ends, in matplotlib's words."""
    values = np.concatenate([image.norms.ravel() for image in found])
    over, under = bool((values > scale.vmax).any()), bool((values < scale.vmin).any())
    return {(True, True): "both", (True, False): "max", (False, True): "min", (False, False): "neither"}[
        over, under
    ]


def _lines(ax: Axes, found: Sequence[Image], step: int) -> None:
    for image in found:
        if step in image.runs:
            runs = {("", seed): values for seed, values in image.runs[step].items()}
            t = np.arange(image.norms.shape[1])
            arrays.profile(ax, t, runs, colour=image.look.colour, dash=image.look.dash)
    ax.set_yscale("log")
    ax.set_xlabel("time step t")
    layout.title(ax, f"step {step:,}".replace(",", "\u202f") if step else "before training", letters=28)


def _numbers(view: View, found: Sequence[Image], steps: Sequence[int]) -> Numbers:
    """The norm at the start, in the middle and at the end of the sequence, at the steps of the lines; then the reported
    norms, each beside ours at its t and at the recorded step nearest to its own."""
    rows = [_row(view, image, step) for image in found for step in steps if step in image.runs]
    rows += [
        _beside(view, image, place, value, status)
        for image in found
        for place, value, status in _reported(view, image)
    ]
    headings = {
        "experiment": "experiment",
        "model": "model",
        "step": "step",
        "seeds": "seeds",
        "start": "‖∂L/∂h₀‖",
        "middle": "at T/2",
        "end": "at T",
        "share": "‖∂L/∂h₀‖ / ‖∂L/∂h_T‖",
        "t": "t",
        "norm": "‖∂L/∂hₜ‖",
        "reported": "reported",
        "at_step": "at step",
        "status": "status",
    }
    if not any("reported" in row for row in rows):
        headings = {k: headings[k] for k in list(headings)[:8]}
    return Numbers(headings, rows, notes=["Numbers: medians over seeds."])


def _row(view: View, image: Image, step: int) -> dict[str, Any]:
    norms = image.norms[list(image.runs).index(step)]
    return {
        "experiment": view.experiment_title(image.experiment),
        "model": image.title,
        "step": step,
        "seeds": len(image.runs[step]),
        "start": norms[0],
        "middle": norms[len(norms) // 2],
        "end": norms[-1],
        "share": norms[0] / norms[-1] if norms[-1] > 0 else None,
    }


def _reported(view: View, image: Image) -> list[tuple[tuple[int, int], float, str]]:
    """((t, step), norm, status) of each reported norm of an arm; its `part` says `t=100,step=10000`."""
    return [
        ((int(row.settings["t"]), int(row.settings["step"])), row.value, row.status)
        for row in view.reported()
        if row.metric == METRIC
        and row.cell == f"{image.experiment}/{image.arm}"
        and {"t", "step"} <= set(row.settings)
    ]


def _beside(view: View, image: Image, place: tuple[int, int], value: float, status: str) -> dict[str, Any]:
    t, at_step = place
    nearest = int(np.abs(image.steps - at_step).argmin())
    there = t < image.norms.shape[1]
    return {
        "experiment": view.experiment_title(image.experiment),
        "model": image.title,
        "step": int(image.steps[nearest]) if there else None,
        "seeds": len(image.runs[int(image.steps[nearest])]) if there else None,
        "t": t,
        "norm": image.norms[nearest, t] if there else None,
        "reported": value,
        "at_step": at_step,
        "status": status,
    }


def _notes(view: View, found: Sequence[Image]) -> list[str]:
    seeds = sorted({image.seeds for image in found})
    counted = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    said = [
        "Norm of the gradient of a sequence's own loss, mean over the first training batch (at most 32 sequences). "
        f"Images: median over {counted} seeds, one colour scale; lines: median, bands: minimum to maximum."
    ]
    if "clip" in view.entry.options:
        said.append(f"The colours end at {float(view.option('clip', 0)):g}.")
    said += [
        f"{image.title}: {image.diverged} of {image.seeds} seeds diverged; they count until they did."
        for image in found
        if image.diverged
    ]
    return said


def _alt(found: Sequence[Image]) -> str:
    return (
        "Images of gradient norms by time step and optimiser step, and lines at chosen steps: "
        f"{', '.join(image.title for image in found)}."
    )
