"""The compact table of numbers that goes with every figure, in four formats."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnrepro.records import atomically

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "σ": r"$\sigma$",
    "ρ": r"$\rho$",
    "θ": r"$\theta$",
    "Θ": r"$\Theta$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "λ": r"$\lambda$",
    "‖": r"$\Vert$",
    "∂": r"$\partial$",
    "∞": r"$\infty$",
    "√": r"$\surd$",
    "–": "--",
    "—": "---",
    "ₜ": r"$_t$",
    "₀": r"$_0$",
    "ᵀ": r"$^{\top}$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\to$",
    "Λ": r"$\Lambda$",
    "Σ": r"$\Sigma$",
    "|": r"\textbar{}",
    "·": r"$\cdot$",
    "<": r"$<$",
    ">": r"$>$",
    "²": r"$^2$",
    "⁴": r"$^4$",
    "₁": r"$_1$",
    "₂": r"$_2$",
    "½": r"$\tfrac12$",
    "τ": r"$\tau$",
    "μ": r"$\mu$",
    "η": r"$\eta$",
    "∈": r"$\in$",
    "ε": r"$\varepsilon$",
    "≈": r"$\approx$",
    "≠": r"$\neq$",
}


@dataclass(frozen=True)
class Numbers:
    """Rows under headings; `headings` maps a column's key to what stands above it, with its unit.

    A text that is the same in every row says nothing to a reader: such a column is in the CSV alone, and so are the
    `plain` ones, keys that stand for themselves.
    """

    headings: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    digits: int = 3
    notes: Sequence[str] = field(default_factory=tuple)
    plain: Sequence[str] = ()

    @property
    def columns(self) -> list[str]:
        """The keys of the columns that a reader sees."""
        values = {key: {row.get(key) for row in self.rows} for key in self.headings}
        return [
            k
            for k, v in values.items()
            if len(v) > 1 or len(self.rows) == 1 or not isinstance(next(iter(v), 0), str)
        ]

    def header(self) -> list[str]:
        """The headings that a reader sees."""
        return [self.headings[key] for key in self.columns]

    def shown(self) -> list[list[str]]:
        """The cells as a reader sees them, row by row."""
        return [[shown(row.get(key), self.digits) for key in self.columns] for row in self.rows]

    def csv(self) -> str:
        """All digits, headings by key."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        keys = [*self.headings, *self.plain]
        writer.writerow(keys)
        writer.writerows([_exact(row.get(key)) for key in keys] for row in self.rows)
        return text.getvalue()

    def markdown(self) -> str:
        """A table of GitHub's Markdown."""
        lines = [self.header(), ["---" if not n else "---:" for n in self._numeric()], *self.shown()]
        cells = ["| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines]
        return "\n".join([*cells, *(f"\n{note}" for note in self.notes)]) + "\n"

    def latex(self) -> str:
        """A tabular with the rules of booktabs."""
        columns = "".join("r" if n else "l" for n in self._numeric())
        lines = [" & ".join(map(latex_text, line)) + r" \\" for line in self.shown()]
        heading = " & ".join(map(latex_text, self.header())) + r" \\"
        return (
            "\n".join(
                [
                    rf"\begin{{tabular}}{{{columns}}}",
                    r"\toprule",
                    heading,
                    r"\midrule",
                    *lines,
                    r"\bottomrule",
                    r"\end{tabular}",
                ]
            )
            + "\n"
        )

    def html(self) -> str:
        """A table that scrolls sideways on a narrow screen."""
        numeric = self._numeric()
        head = "".join(
            f'<th scope="col"{_class(n)}>{html.escape(h)}</th>'
            for h, n in zip(self.header(), numeric, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(f"<td{_class(n)}>{html.escape(c)}</td>" for c, n in zip(line, numeric, strict=True))
            + "</tr>\n"
            for line in self.shown()
        )
        return (
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'
            + "".join(f'<p class="note">{html.escape(note)}</p>' for note in self.notes)
        )

    def _repr_html_(self) -> str:
        return self.html()

    def _numeric(self) -> list[bool]:
        return [
            any(_number(row.get(k)) for row in self.rows)
            and all(row.get(k) is None or _number(row.get(k)) for row in self.rows)
            for k in self.columns
        ]

    def write(self, prefix: str | Path) -> None:
        """`prefix`.csv, .md and .tex, each put in place whole."""
        for ending, text in (("csv", self.csv()), ("md", self.markdown()), ("tex", self.latex())):
            atomically(f"{prefix}.{ending}", lambda part, text=text: part.write_text(text, encoding="utf-8"))


def if_reported(headings: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """The headings; without those of reported values and their status where no row has one."""
    if any(row["reported"] is not None for row in rows):
        return headings
    return {key: text for key, text in headings.items() if not key.startswith("reported") and key != "status"}


def shown(value: Any, digits: int = 3) -> str:
    """A value for a reader: `digits` significant digits, a real minus sign, – for nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool) or not _number(value):
        return str(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "−").replace(",", "\u202f")
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0) if value else 0
    return f"{value:.{places}f}".replace("-", "−")


def latex_text(text: str) -> str:
    """`text` with everything that LaTeX would read as a command made harmless."""
    return "".join(_LATEX.get(c, c) for c in text.replace("\u202f", "~")).replace(r"\textasciitilde{}", "~")


def _number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, (bool, str))


def _exact(value: Any) -> Any:
    return (
        ""
        if value is None
        else repr(float(value))
        if _number(value) and not isinstance(value, int)
        else value
    )


def _class(numeric: bool) -> str:
    return ' class="n"' if numeric else ""
