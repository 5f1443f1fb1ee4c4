"""A point inside a critical section at which a process is struck: the k-th call of a function that bears on a file.

The point is a mapping: `call` (open, replace, fsync, unlink), `after` (strike when the call is done, not before it),
`count` (from 1), `argv` (a text that the command line must have), `path` (a text that the file's path must have; ""
for any), `once` (a file that is made at the strike, so that the process started next is spared), and what to do:
`signal` (its number) to `whom` (self, group, snakemake), or `errno` to raise as OSError.
"""

import builtins
import io
import os


def arm(point, trace):
    """Put a strike around the call that the point names, in this process, if it is one that is meant."""
    with open("/proc/self/cmdline", "rb") as stream:
        command = stream.read().decode(errors="replace").replace("\0", " ")
    if point["argv"] not in command:
        return
    left = [point["count"]]

    def strike(path):
        if path is None or point["path"] not in path or os.path.exists(point["once"]):
            return
        left[0] -= 1
        if left[0] != 0:
            return
        try:
            os.close(os.open(point["once"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        trace("struck", point["call"], path)
        _hit(point, path)

    def around(function, name_of):
        def called(*args, **rest):
            name = name_of(args)
            if not point.get("after"):
                strike(name)
            done = function(*args, **rest)
            if point.get("after"):
                strike(name)
            return done

        return called

    _install(point["call"], around)


def _install(call, around):
    if call == "replace":
        os.replace = around(os.replace, lambda a: os.path.abspath(os.fsdecode(a[1])))
    elif call == "unlink":
        os.unlink = around(os.unlink, lambda a: os.path.abspath(os.fsdecode(a[0])))
    elif call == "fsync":
        os.fsync = around(os.fsync, lambda a: os.readlink(f"/proc/self/fd/{a[0]}"))
    elif call == "open":
        builtins.open = io.open = around(io.open, _opened)
    else:
        raise ValueError(f"no such call: {call}")


def _opened(args):
    """The path of a file that is opened to be written; None for one that is only read."""
    writes = len(args) > 1 and isinstance(args[1], str) and set(args[1]) & set("wax+")
    named = isinstance(args[0], (str, bytes, os.PathLike))
    return os.path.abspath(os.fsdecode(args[0])) if writes and named else None


def _hit(point, path):
    if number := point.get("errno"):
        raise OSError(number, os.strerror(number), path)
    if point["whom"] == "group":
        os.killpg(os.getpgrp(), point["signal"])
    else:
        os.kill(os.getpid() if point["whom"] == "self" else _snakemake(), point["signal"])


def _snakemake():
    """The nearest process above this one that is Snakemake."""
    number = os.getppid()
    while number > 1:
        with open(f"/proc/{number}/cmdline", "rb") as stream:
            words = stream.read().split(b"\0")
        if any(os.path.basename(word) == b"snakemake" for word in words[:3]):
            return number
        with open(f"/proc/{number}/stat", encoding="ascii") as stream:
            number = int(stream.read().rpartition(")")[2].split()[1])
    raise RuntimeError("no Snakemake above this process")
