"""`python -m tests.faults --trials N`: seeded trials of faults; exit status 1 where one was wrong or lost."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rnnrepro.duration import duration

from . import runner, table
from .harness import KINDS, Ending
from .runner import Done, Trial


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--trials", type=int, metavar="N", help="default: 20, or 1 with --only")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first trial; the others count on (default 0)"
    )
    parser.add_argument(
        "--only", action="append", metavar="KIND", help="trials of this kind alone; repeatable"
    )
    parser.add_argument("--jobs", type=int, metavar="J", help="trials at once (default: the number of cores)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table as Markdown")
    parser.add_argument("--folder", help="where to work; left behind (default: a temporary one, removed)")
    parser.add_argument("--list", action="store_true", help="name the kinds and end")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Run the trials, say how each ended, and write the table."""
    parser = arguments()
    args = parser.parse_args(given)
    runner.load_kinds()
    if args.list:
        for name, kind in sorted(KINDS.items()):
            print(f"{name:32s} {kind.about}")
        return 0
    if unknown := set(args.only or ()) - set(KINDS):
        parser.error(f"no such kind: {', '.join(sorted(unknown))}; --list names them")
    names = args.only or list(KINDS)
    trials = runner.drawn(names, args.trials or (len(args.only) if args.only else 20), args.seed)
    commit = table.checked_out()  # now: the trials have a copy of their own
    done = _run(trials, args.jobs or os.cpu_count() or 1, args.folder)
    if args.table:
        table.write(args.table, done, KINDS, args.seed, commit)
    return int(any(one.outcome.bad for one in done))


def _run(trials: Sequence[Trial], jobs: int, folder: str | None) -> list[Done]:
    began, done = time.monotonic(), []
    session = runner.new_session(folder)
    print(
        f"an undisturbed pipeline took {duration(time.monotonic() - began)}; {len(trials)} trials, {jobs} at once"
    )
    first = time.monotonic()
    for one in runner.run(trials, session, jobs):
        done.append(one)
        left = duration((time.monotonic() - first) / len(done) * (len(trials) - len(done)))
        _say(one, f"{len(done)}/{len(trials)}", left)
    counts = Counter(one.outcome.ending for one in done)
    print(
        "; ".join(f"{ending.value}: {counts[ending]}" for ending in Ending),
        f"in {duration(time.monotonic() - began)}",
    )
    if any(one.outcome.bad for one in done):
        print(f"the folders of the bad trials are left in {session.root / 'trials'}", file=sys.stderr)
    elif folder is None:
        shutil.rmtree(session.root, ignore_errors=True)
    return done


def _say(one: Done, count: str, left: str) -> None:
    what = f"{one.trial.kind} --seed {one.trial.seed}"
    moment = f" ({one.outcome.moment})" if one.outcome.moment else ""
    print(f"{count} {what}{moment}: {one.outcome.ending.value}, {one.seconds:.1f} s; {left} left", flush=True)
    if one.outcome.bad:
        print(f"    {one.outcome.detail}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
