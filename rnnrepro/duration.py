"""Times as a person reads them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`95.2` -> `1m35s`; hours without seconds, days without minutes."""
    whole = round(seconds)
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole % 3600 // 60, whole % 60
    if days:
        return f"{days}d{hours:02d}h"
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
