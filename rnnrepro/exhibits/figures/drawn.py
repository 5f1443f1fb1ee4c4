"""A finished figure with its numbers and words."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from rnnrepro.exhibits import style
from rnnrepro.exhibits.html import rendered
from rnnrepro.exhibits.numbers import Numbers


@dataclass(frozen=True)
class Drawn:
    """`notes` are sentences of the legend (what the band is, which runs diverged); `alt` describes the picture."""

    figure: Figure
    numbers: Numbers
    notes: Sequence[str]
    alt: str

    def write(self, prefix: str | Path) -> None:
        """The figure as PNG and PDF, its numbers as CSV, Markdown and LaTeX."""
        style.save(self.figure, prefix)
        self.numbers.write(prefix)

    def png(self) -> bytes:
        """The picture."""
        with style.journal():
            buffer = io.BytesIO()
            self.figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, Image, display

        display(Image(self.png(), format="png", alt=self.alt))
        display(HTML(rendered("legend.html", notes=self.notes)))
