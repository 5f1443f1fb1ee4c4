"""Where a result comes from: resolved settings, code, versions, device and data. What varies between two
trainings of the same thing is not here but in the cost table."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any

import numpy
import torch

import rnnrepro
from rnnrepro.project import model_row
from rnnrepro.records import CellRecords
from rnnrepro.restored import otherwise

if TYPE_CHECKING:
    from rnnrepro.plan import Cell, Run
    from rnnrepro.training.state import TrainState


@cache
def versions() -> dict[str, str]:
    """Versions of all that computes."""
    installed = {found.name: found.version for found in distributions()}
    return {
        "rnnrepro": rnnrepro.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        **{name: installed[name] for name in ("numba", "triton") if name in installed},
    }


@cache
def processor() -> str:
    """The model name of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def host() -> str:
    """The machine's name, for the cost table, or what `RNNREPRO_HOST` calls it."""
    return os.environ.get("RNNREPRO_HOST") or platform.node()


def device_name(device: torch.device) -> str:
    """The card's or the processor's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor()


def of_run(cell: Cell, run: Run, state: TrainState, i: int, status: str, fingerprint: str) -> dict[str, Any]:
    """The provenance of the finished record of run `i` of `state`.

    It names no paper, for equal runs of two papers are one.
    """
    task = state.stages[0].task
    return {
        "status": status,
        "steps": state.step,
        "settings": run.settings,
        "digest": run.digest,
        "fingerprint": fingerprint,
        "modules": cell.modules,
        "versions": versions(),
        "device": task.device.type,
        "device_name": device_name(task.device),
        "backend": state.backends[i],
        "threads": torch.get_num_threads(),
        "parameters": state.network.parameter_count(),
        "chance": {task.metrics[0]: task.chance},
        "steps_per_epoch": task.steps_per_epoch,
        "metrics": list(dict.fromkeys(name for stage in state.stages for name in stage.task.metrics)),
        "read": dict(task.facts),
    }


def steps_of(settings: Mapping[str, Any]) -> int:
    """The steps of a run that goes to its end, later phases included."""
    return settings["training"]["steps"] + sum(phase["steps"] for phase in settings.get("phases", ()))


def of_cell(cell: Cell, found: Sequence[CellRecords]) -> dict[str, Any]:
    """The provenance of a cell's file."""
    runs = [
        {
            "seed": run.seed,
            "point": run.point,
            "set": otherwise(record.provenance["settings"], found[0].provenance["settings"]),
            **{k: record.provenance[k] for k in ("status", "steps", "digest", "fingerprint", "backend")},
        }
        for run, record in zip(cell.runs, found, strict=True)
    ]
    first, arm, experiment = found[0].provenance, cell.settings.models[cell.arm], cell.settings
    shared = (
        "modules",
        "versions",
        "device",
        "device_name",
        "threads",
        "parameters",
        "chance",
        "steps_per_epoch",
        "metrics",
    )
    return {
        "scale": cell.scale,
        "key": cell.key,
        "paper": cell.paper,
        "experiment": cell.experiment,
        "arm": cell.arm,
        "model": cell.model,
        "slice": cell.slice,
        "part": cell.part,
        "row": model_row(cell.arm, arm),
        "label": arm.label or cell.arm,
        "title": experiment.title,
        "task": first["settings"]["task"],
        "data": first["settings"]["data"],
        "settings": {k: v for k, v in first["settings"].items() if k != "seed"},
        "hidden": arm.hidden,
        "steps": steps_of(first["settings"]),
        "select": experiment.select,
        "protocol": experiment.protocol,
        "stand_in": experiment.stand_in,
        "extra": arm.extra,
        "note": arm.note,
        "fingerprint": first["fingerprint"],
        "backend": "+".join(sorted({record.provenance["backend"] for record in found})),
        "runs": runs,
        "read": first.get("read", {}),  # earlier records have none
        **{k: first[k] for k in shared},
    }
