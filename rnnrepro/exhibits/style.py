"""How figures look: colours, widths, type and files.

A model has one colour in every figure of the project; a slice of it (another size, another initialiser) differs
by line style. The first colours are those of Okabe and Ito (2008) and Tol (2021), the others keep their distance from
them, and most of all from those of their own paper: readers with any form of colour blindness can tell them apart, and
no meaning hangs on colour alone.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

COLUMN_MM, PAGE_MM = 89.0, 183.0
DPI = 200
GREY, LIGHT, INK = "#6B6B6B", "#D9D9D9", "#1A1A1A"

COLOURS: dict[str, str] = {
    "lstm": "#000000",
    "rnn": "#E69F00",
    "rnn_orth": "#56B4E9",
    "scornn": "#009E73",
    "exprnn": "#0072B2",
    "nnrnn": "#D55E00",
    "enrnn": "#CC79A7",
    "dtriv": "#882255",
    "identity": "#A9A93C",
    "orthogonal": "#4B4BE0",
    "chain": "#C8384E",
    "fbchain": "#246024",
    "scurnn": "#7722BB",
    "urnn_rc": "#B58A5A",
    "urnn_fc": "#1F1F7A",
    "eurnn": "#88CC77",
    "eurnn_complex": "#5C1F14",
    "leaky_rnn": "#60D8A8",
    "momentum_rnn": "#5AA5FF",
    "adam_rnn": "#2D2D2D",
    "rmsprop_rnn": "#870000",
    "restart_rnn": "#875A87",
    "momentum_lstm": "#783CFF",
    "adam_lstm": "#00D2E1",
    "rmsprop_lstm": "#70782D",
    "restart_lstm": "#4BD25A",
    "restart_lstm_released": "#003C78",
    "momentum_dtriv": "#D200B4",
    "adam_dtriv": "#0000FF",
    "rmsprop_dtriv": "#000087",
    "restart_dtriv": "#FF9696",
    "sbo_sgd": "#2D0F4B",
    "sbo_shb": "#A5C3C3",
    "sbo_snag": "#A587C3",
    "sbo_sgd_sparse": "#960096",
    "sbo_shb_sparse": "#A54B0F",
    "sbo_snag_sparse": "#1E5A69",
    "fastrnn": "#F06987",
    "fastgrnn": "#D20087",
    "antisymmetric": "#3C785A",
    "lipschitz": "#3C78FF",
    "irnn": "#5A3C2D",
    "indrnn": "#0000C3",
}
# For models of a user's own: chosen by name, so that a model keeps its colour from figure to figure.
OTHERS = ("#332288", "#117733", "#999933", "#AA4499", "#44AA99", "#7A4B1E", "#CC6677", "#4B4B9B")
RULES: dict[str, str] = {
    "bptt": "#0072B2",
    "rflo": "#D55E00",
    "local_only": "#CC79A7",
    "random_feedback_only": "#009E73",
    "hebbian": "#E69F00",
}
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (4, 1.4)),
    (0, (1.2, 1.2)),
    (0, (5, 1.2, 1, 1.2)),
    (0, (7, 2)),
    (0, (2.5, 1)),
)

_SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.2,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
    "pdf.use14corefonts": False,
    "svg.hashsalt": "rnnrepro",
    "path.simplify": True,
}


@contextmanager
def journal() -> Iterator[None]:
    """Matplotlib as the figures want it, whatever the user's own settings say."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def figure(height_mm: float, *, wide: bool = False) -> Figure:
    """An empty figure of a journal's column (89 mm) or page (183 mm) width."""
    width = PAGE_MM if wide else COLUMN_MM
    return Figure(figsize=(width / 25.4, height_mm / 25.4))


def colour(model: str) -> str:
    """The colour of a model, the same in every figure; an arm that is named after a learning rule has the rule's."""
    return COLOURS.get(model) or RULES.get(model) or OTHERS[zlib.crc32(model.encode()) % len(OTHERS)]


def rule(name: str) -> str:
    """The colour of a learning rule, in figures that compare rules rather than models."""
    return RULES.get(name) or OTHERS[zlib.crc32(name.encode()) % len(OTHERS)]


def readable(shade: str) -> str:
    """`shade` darkened until text in it stands out from white (contrast 4.5, WCAG AA)."""
    red, green, blue = (int(shade[i : i + 2], 16) / 255 for i in (1, 3, 5))
    while (1.05 / (_luminance(red, green, blue) + 0.05)) < 4.5:
        red, green, blue = 0.95 * red, 0.95 * green, 0.95 * blue
    return "#" + "".join(f"{round(255 * c):02X}" for c in (red, green, blue))


def ink_on(shade: Any) -> str:
    """White or ink, whichever stands out more from a background of any of matplotlib's colours."""
    light = _luminance(*to_rgb(shade))
    return "white" if 1.05 / (light + 0.05) > (light + 0.05) / 0.0603 else INK


def _luminance(*channels: float) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def dashes(arms: Iterable[str]) -> dict[str, Any]:
    """{arm: line style}: solid for a model's first arm, another style for each further slice of it."""
    seen: dict[str, int] = {}
    styles = {}
    for arm in arms:
        model = arm.partition(".")[0]
        styles[arm] = DASHES[seen.setdefault(model, 0) % len(DASHES)]
        seen[model] += 1
    return styles


def panel_letters(axes: Iterable[Any]) -> None:
    """a, b, c … at the upper left of each panel, where there is more than one."""
    axes = list(axes)
    for letter, ax in zip("abcdefghijklmnop", axes if len(axes) > 1 else [], strict=False):
        title = ax.get_title(loc="left")
        ax.set_title(f"$\\mathbf{{{letter}}}$   {title}", loc="left")


def picture(drawn: Figure, format: str) -> bytes:  # noqa: A002  matplotlib's own word
    """The figure as png or pdf with nothing in it that changes from one drawing to the next."""
    empty = {"png": ("Software",), "pdf": ("CreationDate", "Producer", "Creator")}[format]
    buffer = io.BytesIO()
    with journal():
        if drawn.get_layout_engine() is not None:  # laid out once, so that all formats are alike
            drawn.draw_without_rendering()
            drawn.set_layout_engine("none")
        drawn.savefig(buffer, format=format, metadata=dict.fromkeys(empty))
    return buffer.getvalue()
