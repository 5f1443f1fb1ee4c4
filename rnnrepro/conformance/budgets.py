"""How exact a fast form of the scan must be: about as exact as the plain scan in the same precision.

The reference is the plain scan in float64 of the same numbers. For every result and every gradient

    error(fast) ≤ FACTOR · error(plain float32) + FLOOR

where the error is the largest deviation within a slice (one time of one run; one run where there is no time), as a
share of the slice's largest value, and the worst slice counts. So gradients that fade over time are held where they
are small, and one wrong element at the edge of an array is seen wherever it is. A slice of a single number, which may
have cancelled to next to nothing, has the largest of all slices for its measure. The floor of a gradient that is a
sum over n times and sequences grows as the roundings of such a sum do, with √n.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from rnnrepro.conformance.problems import Problem, draw
from rnnrepro.conformance.stages import Subject
from rnnrepro.errors import Fault

FACTOR = 4.0
"""Two sound orders of summation differ by less; a form that drops digits somewhere differs by much more."""

FLOOR = 24 * torch.finfo(torch.float32).eps
"""Plain rounding can be lucky, to the point of no error at all in a slice of one number. A step of a fast form is
some ten roundings long, each of half a unit, its functions are exact to about two, and what cancels multiplies both:
over forty thousand quantities 15 units were needed beside the factor."""

SMALLEST = 1e-30
"""Below this a slice is beyond what float32 resolves; 0 there is as good an answer."""

TRIALS = {"dense": (4, 5, 3, 7), "numbers": (4, 1, 1, 5)}
"""Form of z -> runs, times, sequences and units at which an update is tried."""

_SHORT = 100
"""Terms of a sum whose roundings the floor covers."""

_BY_TIME = ("outputs", "gradient of z")


def hold(
    problem: Problem, backend: str, *, credit: str = "full", every: bool = True, device: str = "cpu"
) -> None:
    """Raises Fault that lists each result and gradient of `backend` on `device` that is over its budget."""
    how = {"credit": credit, "every": every}
    single = problem.to("cpu", torch.float32)
    reference = problem.to("cpu", torch.float64).spread().solve("plain", **how)
    fast = problem.to(device, torch.float32).solve(backend, **how)
    for name, value in reference.items():
        if not value.isfinite().all():
            raise Fault(f"the budget of {type(problem.update).__name__} cannot be told: {name} is not finite")
    entering = problem.values["z" if "z" in problem.values else "x"]
    terms = entering.shape[1] * entering.shape[2]
    excesses = over(fast, single.solve("plain", **how), reference, terms)
    if excesses:
        raise Fault(f"the {backend} scan of {type(problem.update).__name__} is off: " + "; ".join(excesses))


def check(subject: Subject) -> None:
    """The form of the scan that is chosen for the update keeps the budget, on every device that is at hand."""
    for form, sizes in TRIALS.items():
        problem = draw(subject.update, form, *sizes)
        for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            hold(problem, "auto", device=device)


CHECKS: dict[str, Callable[[Subject], None]] = {"its fast scans are as exact as the plain one": check}


def over(
    fast: Mapping[str, Tensor],
    plain: Mapping[str, Tensor],
    reference: Mapping[str, Tensor],
    terms: int = 1,
) -> list[str]:
    """A sentence for each quantity that exceeds its budget; `terms`: times and sequences that a sum runs over."""
    found = []
    for name, expected in reference.items():
        ours, theirs = (error(name, results[name], expected) for results in (fast, plain))
        summed = name.startswith("gradient of") and name not in _BY_TIME
        floor = FLOOR * max(1.0, math.sqrt(terms / _SHORT)) if summed else FLOOR
        if not ours <= FACTOR * theirs + floor:
            found.append(f"{name} by {ours:.1e}, plain float32 by {theirs:.1e}")
    return found


def error(name: str, found: Tensor, reference: Tensor) -> float:
    """The worst slice's largest deviation, as a share of its largest value; infinite for what is not finite.

    The reference of one number a run may come a unit at a time: then the share is that of the sum of their sizes,
    which is what rounding goes with, while the sum itself may be anything.
    """
    sums = reference.dim() > found.dim()
    expected = reference.sum(-1) if sums else reference
    if found.shape != expected.shape:
        raise Fault(f"{name} has the shape {tuple(found.shape)}, not {tuple(expected.shape)}")
    lead = 2 if name in _BY_TIME else 1
    deviation = _slices(found.detach().cpu().double() - expected, lead).abs().amax(-1)
    scale = reference.abs().sum(-1) if sums else _slices(expected, lead).abs().amax(-1)
    if expected[(0,) * lead].numel() == 1 and not sums:
        scale = scale.amax().expand_as(scale)
    share = torch.where((scale < SMALLEST) & (deviation < SMALLEST), 0.0, deviation / scale)
    return float(share.nan_to_num(nan=math.inf).max())


def _slices(values: Tensor, lead: int) -> Tensor:
    return values.reshape(*values.shape[:lead], -1)
