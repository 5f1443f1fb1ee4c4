"""Train the runs of a results file again, from its provenance alone, and say whether the rows are the same.

    rnnrepro rerun results/quick/runs/enrnn/adding/lstm.parquet
    rnnrepro rerun reference/quick/runs/scurnn/digits/scurnn.parquet --seed 1

No configuration is read: the file holds all settings. What differs from the circumstances that it was made in (code,
versions, processor, threads, data) is said first. The exit is 0 if every row is the same, byte for byte, 1 if one is
not, 75 if stopped before the end, and 2 with one error where the runs cannot be trained here.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnrepro import environment, fingerprint, records, restored
from rnnrepro.cli.common import show_download
from rnnrepro.cli.train import NOT_DONE
from rnnrepro.duration import duration
from rnnrepro.errors import Fault
from rnnrepro.plan import Cell, Run

if TYPE_CHECKING:
    import pyarrow as pa

    from rnnrepro.differences import Difference
    from rnnrepro.training.job import Job

NAME, HELP = "rerun", "train the runs of a results file again, and compare"
DIFFERENT = 1
_MOST_THREADS = 1024
_UNFIT = (RuntimeError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, MemoryError)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, metavar="RESULTS.parquet", help="a file below results/…/runs")
    parser.add_argument("--seed", type=int, help="the runs with this seed alone")
    parser.add_argument("--point", help="those at this point of the grid alone, such as rate=0.001")
    parser.add_argument("--state", type=Path, help="folder to keep the state in (default: a passing one)")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: the one it was made on")
    parser.add_argument("--data", type=Path, default=Path("resources"), help="folder of the data sets")
    parser.add_argument(
        "--corpus", action="append", default=[], metavar="NAME=FOLDER", help="where a licensed corpus lies"
    )
    parser.add_argument(
        "--plugin", action="append", default=[], type=Path, metavar="FILE", help="the plugin it was made with"
    )


def run(args: argparse.Namespace) -> int:
    """Train again and compare; 0 if all rows are equal."""
    record = records.read(args.file)
    made = _checked(record.provenance, args.file)
    _load_plugins(made, args.plugin)
    where = str(args.file)
    with _of_its_settings(where):
        found = restored.runs_of(made, where)
    runs = restored.chosen(found, where, args.seed, args.point)
    corpora = _corpora(args.corpus)
    for name in environment.THREADS:
        os.environ[name] = str(made["threads"])
    with _naming_its_code(made, runs), _folder(args.state) as root, _of_its_settings(where):
        cell = restored.cell_of(made, runs)
        _announce(cell, made, where)
        job = _job(args, made, root, corpora)
        _say_circumstances(made, cell, job)
        found = _trained(cell, made, job)
    if found is None:
        if args.state is None:
            print("stopped; nothing is kept of it: with --state FOLDER it would go on from there")
        return NOT_DONE
    return _report(record, runs, found)


def _checked(made: Mapping[str, Any], path: Path) -> dict[str, Any]:
    needed = {"settings", "modules", "fingerprint", "versions", "device", "device_name", "threads"}
    of_run = {"digest", "status", "steps", "backend"}
    runs = made.get("runs", [made])
    if not (
        needed <= made.keys() and made["settings"] and runs and all(of_run <= run.keys() for run in runs)
    ):
        raise Fault(f"{path}: not the results of a cell; give a file below results/…/runs")
    if "runs" in made:
        records.check_cell(made, path)
    if not 0 < made["threads"] <= _MOST_THREADS:
        raise Fault(f"{path}: expected 1 to {_MOST_THREADS} threads, found {made['threads']}")
    return dict(made)


@contextmanager
def _of_its_settings(where: str) -> Iterator[None]:
    """Of what goes wrong within, say that it is for the file's settings: nobody else has looked whether they fit."""
    try:
        yield
    except _UNFIT as error:
        said = " ".join(str(error).split())[:200] or "no more is known"
        raise Fault(f"{where}: its settings cannot be trained ({type(error).__name__}: {said})") from error


def _load_plugins(made: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Load them. Raises Fault where one that the result was made with is not among them."""
    mark = "rnnrepro_plugin_"
    needed = {name.removeprefix(mark) for name in made["modules"] if name.startswith(mark)}
    missing = sorted(needed - {file.stem for file in files})
    if missing:
        raise Fault(
            f"it was made with the plugin {missing[0]!r}, which is code of its own: name that with --plugin "
            f"{missing[0]}.py"
        )
    if files:
        from rnnrepro.models import plugins

        for file in files:
            plugins.load(file)


def _corpora(given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for text, (name, sign, folder) in zip(given, pairs, strict=True):
        if not (name and sign and folder):
            raise Fault(f"--corpus {text}: expected NAME=FOLDER")
    return {name: folder for name, _, folder in pairs}


@contextmanager
def _naming_its_code(made: Mapping[str, Any], runs: Sequence[Run]) -> Iterator[None]:
    """To a Fault within, add that the result is of other code where it is: its settings may be none of today's."""
    try:
        yield
    except Fault as fault:
        if _of_this_code(made, runs):
            raise
        code = f"it was made by other code (fingerprint {made['fingerprint']}); rerun it with that code"
        raise Fault(f"{fault}; {code}") from None


def _of_this_code(made: Mapping[str, Any], runs: Sequence[Run]) -> bool:
    try:
        return fingerprint.training_modules(runs[0].settings) == made["modules"]
    except (Fault, KeyError):
        return False


@contextmanager
def _folder(state: Path | None) -> Iterator[Path]:
    if state is not None:
        yield state
        return
    with tempfile.TemporaryDirectory(prefix="rnnrepro-rerun-") as folder:
        yield Path(folder)


def _job(args: argparse.Namespace, made: Mapping[str, Any], root: Path, corpora: Mapping[str, str]) -> Job:
    import torch

    from rnnrepro.training.job import Job

    torch.set_num_threads(made["threads"])
    word = args.device or made["device"]
    if word == "cuda" and not torch.cuda.is_available():
        raise Fault(
            f"it was made on a GPU ({made['device_name']}) and there is none here; --device cpu trains it on the "
            "processor, where the rows are the same to rounding at best"
        )
    return Job(root=root, device=torch.device(word), data=args.data, corpora=corpora)


def _announce(cell: Cell, made: Mapping[str, Any], where: str) -> None:
    estimate = cell.estimate
    runs = f"{len(cell.runs)} run{'s' * (len(cell.runs) != 1)}"
    print(
        f"{where}: {runs} of {made.get('key', 'a cell')}, {estimate.steps} steps, about "
        f"{duration(estimate.seconds)} on one core",
        flush=True,
    )


def _say_circumstances(made: Mapping[str, Any], cell: Cell, job: Job) -> None:
    from rnnrepro.training.circumstances import circumstances

    found = circumstances(made, cell.modules, job.device, job.corpora)
    print("what differs from when it was made:" if found else "made in these same circumstances", flush=True)
    for line in found:
        print(f"  {line}", flush=True)


def _trained(cell: Cell, made: Mapping[str, Any], job: Job) -> list[records.CellRecords] | None:
    """The records of the cell's runs, each by the form of the scan that it had; None if stopped before."""
    from rnnrepro.training.job import train

    _fetch(cell, job)
    had = {run["digest"]: run["backend"] for run in made.get("runs", [made])}
    for backend in sorted({had[run.digest] for run in cell.runs}):
        alone = importlib.util.find_spec("numba") is not None or backend != "cpu"
        job.backend = (
            backend if "+" not in backend and job.device.type == made["device"] and alone else "auto"
        )
        if train(cell, job, [run for run in cell.runs if had[run.digest] == backend]) is None:
            return None
    return train(cell, job)


def _fetch(cell: Cell, job: Job) -> None:
    from rnnrepro.datasets.fetch import fetch

    for name in cell.data_sets:
        fetch(name, job.data, progress=show_download)


def _report(record: records.CellRecords, runs: Sequence[Run], found: Sequence[records.CellRecords]) -> int:
    from rnnrepro import differences

    equal = more = 0
    for run, again in zip(runs, found, strict=True):
        rows = differences.of_run(record.table, run.seed, run.point)
        now = _as_thin(record, run, again.table)
        more += again.table.num_rows - now.num_rows
        difference = differences.between(rows, now)
        equal += difference.equal
        who = f"seed {run.seed}{f' {run.point}' if run.point else ''}"
        print(f"{who}: {_said(difference)}")
        for line in [*_status(record.provenance, run, again.provenance), *difference.lines()]:
            print(f"  {line}")
    if more:
        print(
            f"{more} more rows were made that the file leaves out: references are kept without arrays, and thinned"
        )
    print(f"{equal} of {len(runs)} runs equal")
    return 0 if equal == len(runs) else DIFFERENT


def _as_thin(record: records.CellRecords, run: Run, now: pa.Table) -> pa.Table:
    """The rows of a run made now; of those, what a reference keeps, where the file is one."""
    from rnnrepro.exhibits.reference import thinned

    recorded = record.table
    if "seed" not in recorded.column_names or thinned(recorded).num_rows < recorded.num_rows:
        return now
    nameless = dict.fromkeys(("paper", "experiment", "model", "slice"), "")
    return thinned(records.assembled([({**nameless, "point": run.point, "seed": run.seed}, now)]))


def _said(difference: Difference) -> str:
    if difference.equal:
        return f"equal, {difference.rows} rows byte for byte"
    return "differs" if difference.first is None else f"differs from step {difference.first} on"


def _status(made: Mapping[str, Any], run: Run, now: Mapping[str, Any]) -> list[str]:
    before = next(one for one in made.get("runs", [made]) if one["digest"] == run.digest)
    names = ("status", "steps", "backend")
    return [f"{name}: {before[name]}, now {now[name]}" for name in names if before[name] != now[name]]
