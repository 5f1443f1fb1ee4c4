"""Where the numbers of an exhibit come from, in words and as a block of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnrepro.exhibits.html import rendered
from rnnrepro.records import CellRecords

if TYPE_CHECKING:
    from rnnrepro.exhibits.view import View

Fact = tuple[str, str]


def facts(view: View) -> list[Fact]:
    """(what, value) pairs: scale, runs, device, versions, code and data of the exhibit's cells."""
    found = list(view.records.values())
    if not found and view.entry.experiments:
        return [("Scale", view.scale), ("Runs", "none")]
    if not found:
        return [("Scale", view.scale), ("Runs", "none: computed from formulas, nothing is trained")]
    return [("Scale", view.scale), ("Runs", runs_in_words(found)), *common_facts(found)]


def common_facts(found: Sequence[CellRecords]) -> list[Fact]:
    """Device, versions, code fingerprints and data of several cells."""
    made = [record.provenance for record in found]
    versions = dict.fromkeys(", ".join(f"{k} {v}" for k, v in sorted(p["versions"].items())) for p in made)
    code = dict.fromkeys(run["fingerprint"] for p in made for run in p["runs"])
    return [
        ("Device", _joined(f"{p['device']}: {p['device_name']}" for p in made)),
        ("Versions", "; ".join(versions)),
        ("Training code", f"fingerprint {', '.join(sorted(code))}"),
        ("Data", data_in_words(found)),
    ]


def runs_in_words(found: Sequence[CellRecords]) -> str:
    """`30 runs of 6 cells, seeds 0–4, 1 diverged`."""
    runs = [run for record in found for run in record.provenance["runs"]]
    lost = sum(run["status"] == "diverged" for run in runs)
    cells = sum(len(record.cells) for record in found)
    text = f"{len(runs)} runs of {cells} cells, seeds {seeds_in_words({run['seed'] for run in runs})}"
    return text + (f", {lost} diverged" if lost else "")


def seeds_in_words(seeds: Iterable[int]) -> str:
    """`0–4`, or a list where they do not follow one another."""
    seeds = sorted(seeds)
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}–{seeds[-1]}"
    return ", ".join(map(str, seeds))


def data_in_words(found: Sequence[CellRecords]) -> str:
    """Each file with the beginning of its SHA-256, or that the data are drawn by the task itself."""
    words = []
    for record in found:
        made = record.provenance
        words += [
            f"{name}/{file} (sha256 {sha[:12]}…)"
            for name, files in sorted(made["data"].items())
            for file, sha in sorted(files.items())
        ]
        if counts := made.get("read", {}).get("utterances"):
            words.append(f"utterances: {', '.join(f'{split} {count:,}' for split, count in counts.items())}")
        if not made["data"]:
            words.append(f"{made['task']['kind']}: drawn by the task from its settings and the seed")
    return _joined(words)


@dataclass(frozen=True, repr=False)
class Block:
    """The provenance of an exhibit, as a notebook shows it."""

    view: View

    def _repr_html_(self) -> str:
        return rendered("provenance.html", facts=facts(self.view), stale=self.view.stale())


def _joined(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))
