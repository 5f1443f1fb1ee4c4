"""Numbers of a table in words: significant digits, spreads and statuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnrepro.digits import with_spread
from rnnrepro.exhibits.table_rows import Summary
from rnnrepro.reported import SPREADS, STATUSES, Reported


def signed(write: Any, difference: float) -> str:
    """`+0.03` or `−0.03`."""
    text = write(difference)
    return text if text.startswith("−") or difference == 0 else f"+{text}"


def mean_words(ours: Summary) -> str:
    """`0.954 ± 0.011 (n = 5)`, or how many runs have no number."""
    lost = [
        f"{count} of {ours.n} {what}"
        for count, what in ((ours.diverged, "diverged"), (ours.endless, "without a finite value"))
        if count
    ]
    if ours.mean is None:
        return "; ".join(lost)
    counted = f"(n = {ours.n - ours.diverged - ours.endless})"
    return "; ".join([f"{with_spread(ours.mean, ours.sd)} {counted}", *lost])


def printed_words(rows: Sequence[Reported]) -> str:
    """`1.47 ± 0.003 (seen)`; several numbers of one status share its name."""
    found: dict[str, list[str]] = {}
    for row in rows:
        spread = f" ± {row.spread:g}" if row.spread is not None else ""
        found.setdefault(row.status, []).append(f"{row.value:g}{spread}")
    return "; ".join(f"{', '.join(texts)} ({status})" for status, texts in found.items()) or "–"


def printed_notes(rows: Sequence[Reported]) -> list[str]:
    """What the reported numbers are: status, spread, whose they are, where they were read, what sets them apart."""
    found: dict[str, list[str]] = {}
    for row in rows:
        parts = [f"Reported: {row.status} ({STATUSES[row.status]}); {row.source}"]
        if row.quoted_from:
            parts.append(f"not the paper's own number but of {row.quoted_from}")
        if row.spread_kind:
            known = "" if row.status_spread == row.status else f" ({row.status_spread})"
            parts.append(f"± is the {SPREADS[row.spread_kind]}{known}")
        apart = ", ".join(f"{k} {v}" for k, v in row.settings.items() if k != "split")
        found.setdefault("; ".join(parts), []).extend(filter(None, (apart, row.note)))
    return ["; ".join([text, *dict.fromkeys(rest)]) + "." for text, rest in found.items()]
