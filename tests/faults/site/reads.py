"""Read by the processes of a trial: reading the file FAULTS_READ fails, or finds it another, from a reading on.

FAULTS_SKIP   readings by a process that go well before
FAULTS_WHAT   `fails`: Input/output error, this time and later; `removed`, `cut`: so it is from then on, done once
Parquet files are read by Arrow, past Python: of them it is the functions that open one.
"""

import builtins
import errno
import io
import os

import sitecustomize

_place, _what, _left = os.environ["FAULTS_READ"], os.environ["FAULTS_WHAT"], [int(os.environ["FAULTS_SKIP"])]


def _disturb(path):
    try:
        if os.path.abspath(os.fsdecode(path)) != _place:
            return
    except TypeError:  # a number, or an open file
        return
    _left[0] -= 1
    if _left[0] >= 0:
        return
    sitecustomize.trace("struck", _what, _place)
    if _what == "fails":
        raise OSError(errno.EIO, os.strerror(errno.EIO), _place)
    if _left[0] == -1 and os.path.exists(_place):
        os.unlink(_place) if _what == "removed" else os.truncate(_place, os.path.getsize(_place) // 2)


def _around(function, writes=lambda args, rest: False):
    def called(path, *args, **rest):
        if not writes(args, rest):
            _disturb(path)
        return function(path, *args, **rest)

    return called


def _mode_writes(args, rest):
    return bool(set(args[0] if args else rest.get("mode", "r")) & set("wax+"))


def _of_parquet(parquet):
    for name in ("read_metadata", "read_table"):
        setattr(parquet, name, _around(getattr(parquet, name)))


builtins.open = io.open = _around(io.open, _mode_writes)
sitecustomize.AFTER["pyarrow.parquet"] = _of_parquet
