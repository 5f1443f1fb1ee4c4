"""The numbers of docs/engine.md: a block written from the benches under reference/bench."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rnnrepro.bench import words
from rnnrepro.bench.store import Bench
from rnnrepro.errors import Fault
from rnnrepro.exhibits import bench_tables
from rnnrepro.records import atomically

START = "<!-- bench: written by `rnnrepro bench --adopt` from reference/bench/ -->"
END = "<!-- end of bench -->"


def block(benches: Sequence[Bench]) -> str:
    """The block as Markdown: a heading a machine, then its tables."""
    if not benches:
        return "\nNo bench has been committed yet: `make bench` makes one.\n\n"
    parts = [""]
    for bench in benches:
        machine = bench.machine
        parts += [f"### {machine['device_name']}, {machine['date'][:10]}\n", f"{words.where(machine)}\n"]
        for title, numbers in bench_tables.tables(bench):
            parts += [f"**{title}**\n", numbers.markdown()]
        if left := machine["left_out"]:
            parts.append("Not measured here: " + "; ".join(f"{n} ({why})" for n, why in left.items()) + ".\n")
    return "\n".join(parts) + "\n"


def replaced(text: str, block: str) -> str:
    """`text` with `block` between the markers. Raises Fault where they are missing."""
    if text.count(START) != 1 or text.count(END) != 1 or text.index(START) > text.index(END):
        raise Fault(f"the document has not exactly one line {START!r} followed by one {END!r}")
    before, rest = text.split(START)
    return f"{before}{START}\n{block}{END}{rest.split(END)[1]}"


def refresh(path: Path, benches: Sequence[Bench]) -> Path:
    """Write the block into the document at `path`; the path. Raises Fault where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Fault(f"{path}: cannot be read ({error.strerror})") from None
    after = replaced(text, block(benches))
    atomically(path, lambda part: part.write_text(after, encoding="utf-8"))
    return path
