"""A whole bench: which cases, one after the other, and what is left out with its reason."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rnnrepro.bench import gpu, machine, matrix, scans, stacks, steps, summary
from rnnrepro.bench.case import Case, Setting
from rnnrepro.bench.store import Bench
from rnnrepro.bench.timing import SHORTEST, measure, threads
from rnnrepro.errors import Fault, nearest

Row = Mapping[str, Any]
QUICK = 64  # the largest N of a case of fixed size that a quick bench takes


def cases() -> dict[str, Case]:
    """Every case by its name."""
    found = [*scans.cases(), *steps.cases(), *stacks.cases(), *matrix.cases(), *gpu.cases()]
    return {case.name: case for case in found}


def selected(patterns: Sequence[str]) -> list[Case]:
    """The cases whose names match one of `patterns` (`*` and `?` stand for any letters), all without patterns.

    Raises Fault for a pattern that matches none, with the nearest name.
    """
    known = cases()
    for pattern in patterns:
        if not fnmatch.filter(known, pattern):
            hint = nearest(pattern, known)
            hint = hint if "did you mean" in hint else "; rnnrepro bench --list names them"
            raise Fault(f"no case of the bench is called {pattern!r}{hint}")
    return [case for name, case in known.items() if not patterns or _fits(name, patterns)]


def bench(
    chosen: Sequence[Case],
    setting: Setting,
    *,
    seconds: float,
    only: Sequence[str] = (),
    begin: Callable[[Row], None] = lambda machine: None,
    say: Callable[[Sequence[Row]], None] = lambda rows: None,
) -> Bench:
    """Measure the `chosen` cases, `seconds` each times their weight. `begin` hears of the machine, `say` of each case.

    A case of another device, or of more threads than there are cores, is left out and named with the reason.
    """
    described = machine.described(setting.device)
    begin(described)
    left_out, rows = {}, []
    for case in chosen:
        if reason := unfit(case, setting):
            left_out[case.name] = reason
            continue
        found = measured(case, setting, seconds)
        say(found)
        rows += found
    described |= {
        "quick": setting.quick,
        "only": list(only),
        "seconds": seconds,
        "compiled": setting.compiled,
        "left_out": left_out,
    }
    return Bench(rows, described)


def measured(case: Case, setting: Setting, seconds: float) -> list[summary.Row]:
    """The rows of one case."""
    with threads(1):  # the way to the floor is tried out as it is measured
        contenders = case.contenders(setting)
    sizes = case.measured(setting)
    budget, shortest = (0.0, 0.0) if setting.quick else (seconds * case.weight, SHORTEST)
    samples = measure(contenders, budget, shortest=shortest)
    identity = {
        "case": case.name,
        "group": case.group,
        "title": case.title,
        "batch": sizes.batch,
        "hidden": sizes.hidden,
        "time": sizes.time,
        "inputs": sizes.inputs,
    }
    return summary.rows(contenders, samples, **identity)


def unfit(case: Case, setting: Setting) -> str:
    """Why a case cannot be measured here, or nothing."""
    if case.device and case.device != setting.device:
        return f"needs the device {case.device}"
    if case.threads > machine.cores():
        return f"needs {case.threads} cores"
    if setting.quick and case.fixed and case.sizes.hidden > QUICK:
        return "too large for --quick"
    return ""


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
