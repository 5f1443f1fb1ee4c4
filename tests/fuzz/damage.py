"""Ways to damage bytes, and what any reader of them may do: give a value, or raise one Fault, soon."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from rnnrepro.errors import Fault

SECONDS = 10.0  # of the processor: a busy machine gives less of it a second
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=800)

EXTREME = st.sampled_from(
    [
        b"\xff" * 4,
        b"\0" * 4,
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"\x80" * 8,
        b"\xff" * 8,
        b"9" * 12,
        b"-1",
        b"\n",
    ]
)


@st.composite
def damaged(draw, data: bytes) -> bytes:
    """The bytes with one to four things done to them: cut, flipped, overwritten, moved, repeated, lengthened."""
    for _ in range(draw(st.integers(1, 4))):
        # places near the ends, where headers and tables of contents are, more often than by chance
        end = len(data)
        near = st.integers(0, min(end, 300))
        at = draw(st.integers(0, end) | near | st.integers(max(0, end - 300), end))
        how = draw(st.sampled_from(["cut", "flip", "write", "remove", "repeat", "append", "swap"]))
        if how == "cut":
            data = data[:at]
        elif how == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]
        elif how == "write":
            some = draw(EXTREME | st.binary(min_size=1, max_size=8))
            data = data[:at] + some + data[at + len(some) :]
        elif how == "remove":
            data = data[:at] + data[at + draw(st.integers(1, 600)) :]
        elif how == "repeat":
            data = data[:at] + data[max(0, at - draw(st.integers(1, 600))) :]
        elif how == "append":
            data += draw(st.binary(max_size=40))
        else:
            data = data[at:] + data[:at]
    return data


class Hangs(BaseException):
    """A reader has had its time; no reader catches this."""


@contextmanager
def ending() -> Iterator[None]:
    """Raise Hangs in what takes more than SECONDS of the processor, where it is Python that loops."""

    def stop(*_: Any) -> None:
        raise Hangs

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def read(reader: Callable[[], Any]) -> Any:
    """What the reader gives, or the Fault that it raises; any other exception, or too long a time, fails the test."""
    began = time.process_time()
    try:
        with ending():
            found = reader()
    except Fault as fault:
        assert str(fault).strip() and "\x1b" not in str(fault)
        found = fault
    assert time.process_time() - began < SECONDS
    return found
