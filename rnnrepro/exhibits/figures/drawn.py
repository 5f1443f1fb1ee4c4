"""A finished figure with its numbers and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from matplotlib.figure import Figure

from rnnrepro.exhibits import style
from rnnrepro.exhibits.html import rendered
from rnnrepro.exhibits.numbers import Numbers
from rnnrepro.records import atomically


@dataclass(frozen=True)
class Drawn:
    """`notes` are sentences of the legend (what the band is, which runs diverged); `alt` describes the picture."""

    figure: Figure
    numbers: Numbers
    notes: Sequence[str]
    alt: str

    def write(self, prefix: str | Path) -> None:
        """The figure as PNG and PDF, its numbers as CSV, Markdown and LaTeX."""
        for ending, picture in (("png", self.png), ("pdf", style.picture(self.figure, "pdf"))):
            atomically(f"{prefix}.{ending}", lambda part, picture=picture: part.write_bytes(picture))
        self.numbers.write(prefix)

    @cached_property
    def png(self) -> bytes:
        """The picture."""
        return style.picture(self.figure, "png")

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, Image, display

        display(Image(self.png, format="png", alt=self.alt))
        display(HTML(rendered("legend.html", notes=self.notes)))


def nothing(why: str, numbers: Numbers) -> Drawn:
    """A figure that says why there is nothing to draw: failed trainings are results, and the page goes on."""
    with style.journal():
        drawn = style.figure(20)
        drawn.text(0.5, 0.5, why, ha="center", va="center", color=style.GREY)
    return Drawn(drawn, numbers, [why[0].upper() + why[1:] + "."], why)
