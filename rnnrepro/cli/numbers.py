"""Numbers on a command line: types of `argparse`, whose messages say what was expected."""

from __future__ import annotations

import argparse
import math


def positive(text: str) -> float:
    """A finite number above 0. Raises ArgumentTypeError."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a finite number above 0, found {text[:40]!r}")
    return number


def not_negative(text: str) -> float:
    """A finite number, 0 or more. Raises ArgumentTypeError."""
    number = _number(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a finite number, 0 or more, found {text[:40]!r}")
    return number


def count(text: str) -> int:
    """A whole number of 1 or more. Raises ArgumentTypeError."""
    number = _number(text)
    if not (1 <= number < math.inf and number == int(number)):
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, found {text[:40]!r}")
    return int(number)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
