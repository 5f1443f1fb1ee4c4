"""The names of initialisers and of the fans that settings may give them."""

from __future__ import annotations

import re

from rnnrepro.errors import Fault, nearest

_INITIALISER = re.compile(r"(?P<name>[a-z_]+)(\((?P<argument>[-+.\de]+)\))?")
_NEEDS_ARGUMENT = ("constant", "uniform", "normal", "fan_in_normal", "identity")

INITIALISERS: dict[str, str] = {
    "zeros": "0",
    "ones": "1",
    "constant": "the number in brackets",
    "uniform": "uniform on ± the number in brackets",
    "normal": "normal with the standard deviation in brackets",
    "fan_in_normal": "normal, standard deviation the number in brackets over sqrt(fan_in)",
    "glorot_normal": "normal, variance 2/(fan_in + fan_out)",
    "glorot_uniform": "uniform, bound sqrt(6/(fan_in + fan_out))",
    "kaiming_normal": "normal, variance 2/fan_in",
    "fan_in_uniform": "uniform, bound 1/sqrt(fan_in): PyTorch's Linear",
    "fan_in_uniform_twice": "sum of two draws of fan_in_uniform: one bias for the two of PyTorch's LSTM",
    "glorot_vector": "uniform, bound sqrt(3/k) for a vector of length k: TensorFlow 1's default for a bias",
    "haar": "a Haar-distributed rotation, SO(n)",
    "orthonormal": "rows or columns, whichever are fewer, orthonormal over the whole matrix: PyTorch's orthogonal_",
    "identity": "the number in brackets on the diagonal of each gate's block, which need not be square",
}

SKEW_INITIALISERS: dict[str, str] = {
    "henaff": "2×2 blocks, s ~ U(−π, 0)",
    "henaff_symmetric": "2×2 blocks, s ~ U(−π, π)",
    "cayley": "2×2 blocks, s = −tan(u/2), u ~ U(0, π/2)",
    "cayley_positive": "2×2 blocks, s = tan(u/2), u ~ U(0, π/2)",
    "haar": "real logarithm of a Haar-distributed rotation",
}

MATRIX_INITIALISERS: dict[str, str] = {
    **{f"rotations_{name}": f"the exponential of {about}" for name, about in SKEW_INITIALISERS.items()},
    "scaled_rotations": "2×2 blocks r R(u), r ~ U(−1, 1), u ~ U(0, π/2)",
}

GATE_INITIALISERS: dict[str, str] = {
    "identity": "gain · I for each gate",
    "first_gate_identity": "gain · I for the first gate, 0 for the others: PyTorch's eye_ of all gates at once",
    "orthogonal": "gain · Q for each gate, Q orthogonal, Haar-distributed and of its own",
    "chain": "unit k feeds unit k + 1 with weight `gain`",
    "fbchain": "unit k feeds unit k + 1 with weight `forward` and unit k − 1 with weight `gain`",
    "mixed": "of an LSTM: for i, f, o a ramp from −0.01 to 0.01 over the diagonals, for g a chain of 1.02",
}
"""Starts of the free matrix for any number of gates, most by Orhan and Pitkow 2020; `gain` is a separate argument."""

ORIENTATIONS: dict[str, str] = {
    "paper": "the chain starts at unit 0, where the first input enters",
    "torch_release": "transposed: unit k + 1 feeds unit k, as the released PyTorch helpers have it",
}

FANS: dict[str, str] = {
    "input": "D, the size of what the drive reads",
    "hidden": "N, the hidden size",
    "joint": "N + D, as for one matrix that multiplies [h, x]",
    "gates": "M, all columns of the matrix: N times the number of gates",
}


def parse_initialiser(spec: str) -> tuple[str, float | None]:
    """`uniform(0.01)` -> ("uniform", 0.01); `zeros` -> ("zeros", None). Raises Fault for anything unknown."""
    match = _INITIALISER.fullmatch(spec) if isinstance(spec, str) else None
    name = match["name"] if match else str(spec)
    if name not in INITIALISERS:
        raise Fault(f"unknown initialiser {spec!r}{nearest(name, INITIALISERS)}")
    if (match["argument"] is not None) != (name in _NEEDS_ARGUMENT):
        raise Fault(
            f"initialiser {spec!r}: {name} "
            + (f"needs a number, as in {name}(0.1)" if name in _NEEDS_ARGUMENT else "takes no number")
        )
    try:
        return name, None if match["argument"] is None else float(match["argument"])
    except ValueError:
        raise Fault(f"initialiser {spec!r}: {match['argument']!r} is not a number") from None
