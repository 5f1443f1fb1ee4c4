"""Means and their spreads as text, with as many digits as the spread allows."""

from __future__ import annotations

from collections.abc import Callable


def formatter(mean: float, sd: float | None) -> Callable[[float], str]:
    """How numbers beside `mean` ± `sd` are written: two significant digits of the spread, four of a lone number."""
    places = 1 - _power(sd, 1) if sd else 3 - _power(mean, 3)
    size = max(abs(mean), sd or 0.0)
    if size == 0 or size >= 1e-3:
        return lambda x: f"{x:z.{min(max(places, 0), 6)}f}".replace("-", "−")
    power = _power(size, 3)
    digits = min(max(places + power, 1), 4)
    return lambda x: f"{x / 10.0**power:.{digits}f}e{power}".replace("-", "−")


def with_spread(mean: float, sd: float | None) -> str:
    """`0.954 ± 0.011`, or the mean alone where one run has no spread."""
    write = formatter(mean, sd)
    return write(mean) + (f" ± {write(sd)}" if sd is not None else "")


def _power(value: float, digits: int) -> int:
    """The power of ten of the first digit, once rounded to `digits` after it: −2 for 0.0099999, not −3."""
    return int(f"{value:.{digits}e}".partition("e")[2])
