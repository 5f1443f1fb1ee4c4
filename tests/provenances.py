"""Provenance as a cell's results file has it, for tests that care for a part of it only."""

from __future__ import annotations

from typing import Any

_TEXTS = [
    "scale",
    "key",
    "paper",
    "experiment",
    "arm",
    "model",
    "slice",
    "part",
    "row",
    "label",
    "title",
    "protocol",
    "select",
]


def of_cell(**said: Any) -> dict[str, Any]:
    """All that every cell's file says, empty but for `said`."""
    return {
        **dict.fromkeys(_TEXTS, ""),
        **dict.fromkeys(("extra", "note", "stand_in", "steps_per_epoch")),
        **dict.fromkeys(("fingerprint", "backend", "device", "device_name"), ""),
        **dict.fromkeys(("hidden", "steps", "parameters", "threads"), 1),
        **{name: {} for name in ("settings", "data", "chance", "modules", "versions")},
        "task": {"kind": "adding"},
        "metrics": [],
        "runs": [],
        **said,
    }


def of_run(point: str = "", seed: int = 0, **said: Any) -> dict[str, Any]:
    """What it says of a run."""
    return {"point": point, "seed": seed, "status": "finished", "digest": "0" * 16, **said}
