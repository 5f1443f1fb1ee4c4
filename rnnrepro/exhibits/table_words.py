"""Numbers of a table in words: significant digits, spreads and statuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rnnrepro.exhibits.table_rows import Summary
from rnnrepro.reported import SPREADS, STATUSES, Reported


def formatter(mean: float, sd: float | None) -> Callable[[float], str]:
    """How numbers beside `mean` ± `sd` are written: two significant digits of the spread, four of a lone number."""
    places = 1 - _power(sd, 1) if sd else 3 - _power(mean, 3)
    if mean == 0 or abs(mean) >= 1e-3:
        return lambda x: f"{x:.{min(max(places, 0), 6)}f}".replace("-", "−")
    power = _power(mean, 3)
    digits = min(max(places + power, 1), 4)
    return lambda x: f"{x / 10.0**power:.{digits}f}e{power}".replace("-", "−")


def _power(value: float, digits: int) -> int:
    """The power of ten of the first digit, once rounded to `digits` after it: −2 for 0.0099999, not −3."""
    return int(f"{value:.{digits}e}".partition("e")[2])


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
    write = formatter(ours.mean, ours.sd)
    spread = f" ± {write(ours.sd)}" if ours.sd is not None else ""
    return "; ".join([f"{write(ours.mean)}{spread} (n = {ours.n - ours.diverged - ours.endless})", *lost])


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
