"""The table of a session's trials, as Markdown."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from rnnrepro.training.provenance import processor

from .harness import Ending, Kind
from .runner import Done
from .started import ROOT

INTRODUCTION = """# Faults

What is promised: whatever stops the pipeline, and whenever, running it again gives the results that it would have given
had nothing stopped it, the same metric rows byte for byte; what was finished is not trained again, and what had a
checkpoint goes on from it. What cannot be gone on from is said in one line, `error:`, which names the fault and its
mend. A trial disturbs a small pipeline (two cells of two runs, a data set that is fetched, an exhibit, claims, pages)
at a random moment, goes on as a user would, and compares the records, the table of all metrics, the exhibits' numbers
and the claims with those of a pipeline that was never disturbed. Faults of a GPU are simulated: the errors that CUDA
would give are raised at a random step; so are files that cannot be read and file systems that keep no locks, by the
errors that the system would give. Full and read-only disks are real ones, mounted over folders. A trial ends

- *right at once*: the pipeline that was disturbed came to the right results by itself;
- *right after running again*: it failed, or was killed, and the same command then came to the right results;
- *right after the mend*: it said one clear error, and came to the right results once that was mended (where a whole
  disk is full, every job that fails may say so, each of its own file);
- *wrong*: other results, an exit status of 0 without them, more than one error, or a traceback (but for the one
  that Python itself shows when it is interrupted before a program's first line);
- *lost*: a finished run was trained again, a run began afresh although it had a checkpoint, or something got stuck.
"""


_MOMENTS = 3  # named in the table


def markdown(done: Sequence[Done], kinds: Mapping[str, Kind], seed: int, commit: str) -> str:
    """The document: what is promised, the counts of trials of a `commit`, and how to see one of them again."""
    total = Counter(one.outcome.ending for one in done)
    command = f"python -m tests.faults --trials {len(done)} --seed {seed}"
    lines = [
        INTRODUCTION,
        f"{len(done)} trials of {len({one.trial.kind for one in done})} kinds of faults, {date.today().isoformat()}, "
        f"{processor()}, commit {commit}: {total[Ending.WRONG]} wrong, {total[Ending.LOST]} lost. "
        f"They were drawn by `{command}`; one of them is seen again with `--only KIND --seed SEED`, and a bad one "
        "leaves its folder behind. What trials have found on the way, and how it was mended, is in `CHANGELOG.md`.\n",
        f"| fault | what it is | moments | trials | {' | '.join(e.value for e in Ending)} |",
        f"|---|---|---|{'--:|' * (1 + len(Ending))}",
    ]
    for name in sorted({one.trial.kind for one in done}):
        lines.append(_row(name, kinds[name].about, [one for one in done if one.trial.kind == name]))
    lines.append(f"| all | | | {len(done)} | {' | '.join(str(total[e]) for e in Ending)} |")
    return "\n".join(lines) + "\n"


def write(path: Path, done: Sequence[Done], kinds: Mapping[str, Kind], seed: int, commit: str) -> None:
    """Write the document to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markdown(done, kinds, seed, commit), encoding="utf-8")


def _row(name: str, about: str, done: Sequence[Done]) -> str:
    moments = Counter(one.outcome.moment for one in done if one.outcome.moment)
    shown = [
        f"{moment} ({times})" if times > 1 else moment for moment, times in moments.most_common(_MOMENTS)
    ]
    more = [f"{len(moments) - _MOMENTS} more"] if len(moments) > _MOMENTS else []
    said = "; ".join(shown + more)
    counts = Counter(one.outcome.ending for one in done)
    cells = [name, about, said, len(done), *(counts[ending] or "" for ending in Ending)]
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def checked_out() -> str:
    """The commit that is checked out, with a + where files differ from it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=10"], cwd=ROOT, capture_output=True, text=True
    )
    return said.stdout.strip() or "unknown"
