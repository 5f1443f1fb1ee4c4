"""`docs/results.md`: every exhibit of numbers that has been run, beside the paper's values, and those that have not."""

from __future__ import annotations

from pathlib import Path

from rnnrepro.exhibits import committed
from rnnrepro.exhibits.committed import Verdicts, markdown_row
from rnnrepro.project import Project

HEAD = ["exhibit", "in the paper", "scale", "reported", "ours", "claims"]


def text(project: Project, reference: Path) -> str:
    """The document as Markdown; written from the files under reference/ alone."""
    said = committed.verdicts(reference)
    parts = ["# Results", "<!-- written by `make readme` from reference/ -->"]
    if not said:
        return "\n\n".join([*parts, "No results have been committed yet."]) + "\n"
    parts += [
        "An exhibit stands here once, at the largest scale that has been run; its first models are shown. A run of the "
        "pipeline draws all of them, at each scale, with every model: `results/<scale>/report.html`. "
        "Claims in a row are those on the exhibit's experiments.",
        committed.legend(said),
    ]
    return "\n\n".join([*parts, *(_section(project, key, reference, said) for key in project.papers)]) + "\n"


def _section(project: Project, key: str, reference: Path, said: Verdicts) -> str:
    paper = project.papers[key]
    every = list(committed.lines(project, key, reference, said))
    rows = [
        [line.title, line.source, line.scale, *line.words(), line.claims]
        for _, line in every
        if line is not None
    ]
    counts = [
        f"{committed.counted(own) or 'none'} at `{scale}`"
        for scale, verdicts in said.items()
        if (own := [v for v in verdicts if v.paper == key])
    ]
    parts = [f"## {key}", f"*{paper.title}*, {paper.venue}. Claims: {', '.join(counts) or 'none'}."]
    if rows:
        parts.append("\n".join(markdown_row(row) for row in (HEAD, ["---"] * len(HEAD), *rows)))
    absent = [entry for entry, line in every if line is None]
    if absent:
        titles = [f"- {e.title}" + (f" ({known})" if (known := committed.source(e)) else "") for e in absent]
        parts.append("Not run yet:\n\n" + "\n".join(titles))
    return "\n\n".join(parts)
