"""Transients of the delay lines: nnRNN Fig. 1b."""

from __future__ import annotations

import numpy as np
import pytest

from rnnrepro.analysis.delay_lines import delay_line
from rnnrepro.analysis.transients import transients, unit_sphere

REFERENCE = {  # mean ‖h_t‖ at t = 25, 50, 75, 99 (reproduction card, derived)
    (0.95, 0.0): (0.24, 0.054, 0.0106, 4.8e-4),
    (1.0, 0.0): (0.865, 0.705, 0.495, 0.076),
    (1.05, 0.0): (2.93, 8.09, 19.2, 9.56),
    (0.95, 0.005): (0.882, 0.548, 0.062, 4.8e-4),
    (1.0, 0.005): (2.83, 6.10, 2.57, 0.076),
    (1.05, 0.005): (8.61, 60.7, 89, 9.56),
}


def test_the_delay_line_is_the_matrix_of_the_paper():
    assert delay_line(4, diagonal=0.2, chain=1.05, below=0.005).tolist() == [
        [0.2, 0, 0, 0],
        [1.05, 0.2, 0, 0],
        [0.005, 1.05, 0.2, 0],
        [0.005, 0.005, 1.05, 0.2],
    ]


@pytest.mark.parametrize(("alpha", "beta"), REFERENCE)
def test_the_mean_norms_are_the_reference_ones_and_zero_once_the_chain_has_ended(alpha, beta):
    curves = transients(delay_line(chain=alpha, below=beta))
    np.testing.assert_allclose(curves.norm_mean[[25, 50, 75, 99]], REFERENCE[alpha, beta], rtol=0.01)
    assert len(curves.norm_mean) == 150
    assert (curves.norm_mean[100:] == 0).all()
    assert (curves.unit_mean[100:] == 0).all()


def test_a_rotation_keeps_every_norm_and_the_spread_of_the_sphere():
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(50, 50)))
    curves = transients(rotation, steps=40, starts=4000)
    np.testing.assert_allclose(curves.norm_mean, 1.0)
    np.testing.assert_allclose(curves.norm_sd, 0.0, atol=1e-12)
    np.testing.assert_allclose(curves.unit_mean, 1 / np.sqrt(50), rtol=0.01)


def test_starts_lie_on_the_unit_sphere_and_depend_on_the_seed_alone():
    starts = unit_sphere(7, 30, seed=4)
    np.testing.assert_allclose(np.linalg.norm(starts, axis=0), 1.0)
    assert np.array_equal(starts, unit_sphere(7, 30, seed=4))
    assert not np.array_equal(starts, unit_sphere(7, 30, seed=5))
