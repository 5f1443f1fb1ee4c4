"""What a metric is called on an axis and in a sentence."""

from __future__ import annotations

from rnnrepro import tables


def axis_label(metric: str, split: str) -> str:
    """`test mean squared error`, `validation cross-entropy (nats)`."""
    names = {
        "cross_entropy": "cross-entropy",
        "mse": "mean squared error",
        "bpc": "cross-entropy",
        "residual": "distance from the constraint",
    }
    unit = tables.METRICS[metric].unit if metric in tables.METRICS else "1"
    shown = {"1": "", "fraction": ""}.get(unit, f" ({unit})")
    kind = "" if metric == "residual" else {"train": "training ", "analysis": ""}.get(split, f"{split} ")
    text = f"{kind}{names.get(metric, metric.replace('_', ' '))}"
    return text + (shown if len(text + shown) < 32 else shown.replace(" (", "\n("))


def in_a_line(metric: str, split: str) -> str:
    """The same without a break, for a sentence."""
    return axis_label(metric, split).replace("\n", " ")
