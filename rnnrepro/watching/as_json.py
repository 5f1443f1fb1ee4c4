"""The page of a scale as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rnnrepro.watching.page import Page, Row
from rnnrepro.watching.warnings import warnings


def of(page: Page) -> dict[str, Any]:
    """Everything that the page says, a row a cell."""
    return {
        "scale": page.scale,
        "made": page.made,
        "results": str(page.place.results),
        "state": str(page.place.state),
        "logs": str(page.place.logs),
        "seconds_left": page.left.seconds,
        "jobs": page.left.jobs,
        "seconds_left_basis": page.left.basis,
        "disk_bytes": {name: room.bytes for name, room in page.room.items()},
        "disk_whole": all(room.whole for room in page.room.values()),
        "warnings": warnings(page),
        "cells": [_cell(row) for row in page.rows],
        "other_jobs": [asdict(beat) for beat in page.strange],
    }


def _cell(row: Row) -> dict[str, Any]:
    found = row.found
    return {
        "cell": found.cell.key,
        "status": row.status,
        "why": row.why,
        "stale": found.stale,
        "runs": found.runs,
        "done": found.done,
        "diverged": found.diverged,
        "begun": found.begun,
        "running": row.running,
        "estimated_seconds": found.cell.estimate.seconds,
        "backend": found.backend,
        "log": str(row.log) if row.log is not None and row.log.exists() else None,
        "job": asdict(row.beat) if row.beat else None,
    }
