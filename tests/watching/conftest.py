"""A working folder of the tiny configuration whose results, state and jobs are made up: nothing is trained."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from rnnrepro import heartbeat, plan, project, records
from rnnrepro.heartbeat import Heartbeat
from rnnrepro.plan import Cell
from rnnrepro.watching.folder import Place
from rnnrepro.watching.page import Page, page

CONFIG = Path(__file__).parents[1] / "workflow" / "config"
OTHER_CODE = "0123456789ab"


@dataclass
class Working:
    """The folder, and what a pipeline would have put into it."""

    folder: Path
    scale: str = "quick"

    def __post_init__(self) -> None:
        self.project = project.load(self.folder / "config")
        self.cells = {cell.key: cell for cell in plan.cells(self.project, self.scale)}
        self.place = Place(*(self.folder / name / self.scale for name in ("results", "state", "logs")))

    def page(self, **options) -> Page:
        """What there is, looked at now."""
        return page(self.project, self.scale, list(self.cells.values()), self.place, **options)

    def status(self) -> dict[str, str]:
        """{cell: status}."""
        return {row.found.cell.key: row.status for row in self.page().rows}

    def results(self, key: str, *, code: str = "", diverged: int = 0, seconds: float = 1.0, **more) -> Path:
        """A results file, its cost table, and the finished state of its runs."""
        cell = self.cells[key]
        runs = [
            {
                "seed": run.seed,
                "point": run.point,
                "digest": run.digest,
                "fingerprint": code or cell.fingerprint,
                "status": "diverged" if i < diverged else "finished",
            }
            for i, run in enumerate(cell.runs)
        ]
        path = self.place.results / cell.path
        records.write(path, records.SCHEMA.empty_table(), {"runs": runs, "backend": "cpu", **more})
        costs = {"seconds": seconds / len(runs), "host": "here"}
        records.write_costs(
            self.place.results / cell.cost_path, [costs] * len(runs), scale=self.scale, key=key
        )
        for run in runs:
            self.state(f"{run['digest']}-{run['fingerprint']}", status=run["status"])
        return path

    def state(self, name: str, *, status: str = "finished", checkpoint: bool = False) -> Path:
        """A state folder: with a finished record, or a checkpoint, or both."""
        folder = self.place.state / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()
        if status:
            records.write(folder / "record.parquet", records.RUN_SCHEMA.empty_table(), {"status": status})
        if checkpoint or not status:
            (folder / "checkpoint").write_bytes(b"x" * 5000)
        return folder

    def begun(self, key: str) -> Path:
        """The state folder of a cell's first run, half-way."""
        cell = self.cells[key]
        return self.state(f"{cell.runs[0].digest}-{cell.fingerprint}", status="")

    def job(self, key: str, **values) -> Heartbeat:
        """A job's file of progress; of this process unless `values` say otherwise."""
        beat = heartbeat.mine(key, self.scale)
        beat.runs = len(self.cells[key].runs) if key in self.cells else 1
        for name, value in values.items():
            setattr(beat, name, value)
        path = heartbeat.place(self.place.state, key)
        heartbeat.Writer(path, beat, pytest.fail).write()
        if "updated" in values:
            text = path.read_text()
            path.write_text(
                text.replace(f'"updated": {round(beat.updated, 6)}', f'"updated": {values["updated"]}')
            )
        return beat

    def log(self, key: str, text: str) -> Path:
        """The log of a cell's job."""
        path = self.place.log(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def files(self) -> dict[str, tuple[int, int]]:
        """Every file and folder with its size and time."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            stat = path.lstat()
            found[str(path)] = stat.st_size, stat.st_mtime_ns
        return found


def aged(path: Path, days: float) -> None:
    """Make a file, or a folder's files, look as if written so many days ago."""
    then = time.time() - days * 86400
    for each in [path, *(path.iterdir() if path.is_dir() else ())]:
        os.utime(each, (then, then))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder, with nothing in it but the tiny configuration."""
    shutil.copytree(CONFIG, tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RNNREPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    return tmp_path


@pytest.fixture
def working(folder) -> Working:
    """It at scale quick."""
    return Working(folder)


@pytest.fixture
def at_paper(folder) -> Working:
    """It at scale paper."""
    return Working(folder, "paper")


def gone(working: Working, key: str, **values) -> Heartbeat:
    """A job of this machine that ended without a word."""
    return working.job(key, born=1, **values)


def one(working: Working) -> Cell:
    """Any cell."""
    return working.cells["first/adding/lstm"]
