"""The cases of the bench compare like with like: ours and the peer arrive at the same numbers."""

from __future__ import annotations

import pytest
import torch

from rnnrepro.bench.matrices import MatrixCase, cases, cayley, exponential, gaussian_skew, normalisation


@pytest.mark.parametrize(
    "case", [exponential(24), cayley(24), normalisation(24, 3)], ids=lambda case: case.name
)
def test_ours_and_the_peer_give_the_same_numbers(case: MatrixCase) -> None:
    ours, peer = case.ours(), case.peer()
    if case.name == "exponential":
        peer = (peer - peer.mT) / 2  # ours is the gradient in skew directions
    assert torch.allclose(ours, peer.float(), atol=1e-5)


def test_the_skew_matrix_has_a_norm_of_about_pi() -> None:
    assert 2.6 < float(torch.linalg.matrix_norm(gaussian_skew(128)[0], 2)) < 3.5


def test_names_and_sizes_tell_the_cases_apart() -> None:
    found = [(case.name, case.n) for case in cases()]
    assert len(set(found)) == len(found) == 6
