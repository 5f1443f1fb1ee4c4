"""Theory of sequential networks: the reproduction card's digits, closed forms, and decoding."""

from __future__ import annotations

import numpy as np
import pytest

from rnnrepro.analysis import sequential
from rnnrepro.analysis.decoding import Decoded, decode
from rnnrepro.analysis.fisher import chain_memory_curve
from rnnrepro.analysis.nonnormality import henrici
from rnnrepro.errors import Fault


@pytest.mark.parametrize(
    ("gain", "total"), [(0.99, 4.391), (1.0, 5.187), (1.01, 6.281), (1.02, 7.606), (1.05, 12.087)]
)
def test_the_total_memory_of_chains_has_the_cards_digits_measured_and_in_closed_form(gain, total):
    net = sequential.chain(100, gain)
    assert net.total_memory() == pytest.approx(total, abs=5e-4)
    assert sequential.chain_total_memory(gain, 100) == pytest.approx(net.total_memory(), rel=1e-12)
    np.testing.assert_allclose(net.memory(150), chain_memory_curve(gain, size=100, steps=150), rtol=1e-11)


@pytest.mark.parametrize(
    ("gain", "feedback", "total"),
    [
        (0.99, 0.01, 4.458),
        (0.99, 0.02, 4.653),
        (0.99, 0.03, 4.958),
        (0.99, 0.04, 5.346),
        (0.99, 0.05, 5.793),
        (0.99, 0.06, 6.283),
        (0.99, 0.07, 6.807),
        (1.02, 0.04, 8.423),
        (1.05, 0.05, 12.689),
    ],
)
def test_the_total_memory_of_chains_with_feedback_has_the_cards_digits(gain, feedback, total):
    assert sequential.chain(100, gain, feedback).total_memory() == pytest.approx(total, abs=5e-4)


@pytest.mark.parametrize("kind", ["identity", "orthogonal"])
def test_normal_networks_remember_one_in_all_whatever_the_direction_of_the_source(kind):
    for gain in (0.9, 0.99):
        net = sequential.net(kind, 100, gain)
        np.testing.assert_allclose(net.memory(200), sequential.normal_memory_curve(gain, 200), rtol=1e-9)
        assert net.total_memory() == pytest.approx(1.0, abs=1e-9) == sequential.normal_total_memory(gain)
    assert net.memory(1)[0] == pytest.approx(0.0199, abs=5e-5)
    assert np.linalg.norm(net.source) == pytest.approx(1.0)
    np.testing.assert_allclose(net.signal(50), 0.99 ** np.arange(50))


def test_the_random_orthogonal_matrix_is_orthogonal_and_seeded():
    one, same, other = (sequential.orthogonal(30, 1.0, seed).matrix for seed in (0, 0, 1))
    np.testing.assert_allclose(one @ one.T, np.eye(30), atol=1e-13)
    assert np.array_equal(one, same) and not np.allclose(one, other)


def test_signals_grow_along_a_chain_and_end_abruptly_or_with_feedback_gradually():
    expected = np.where(np.arange(130) < 100, 1.05 ** np.arange(130), 0.0)  # α^k up to the chain's end
    np.testing.assert_allclose(sequential.chain(100, 1.05).signal(130), expected, rtol=1e-12)
    assert expected[99] > 100 and expected[100] == 0
    for feedback, peak, at in ((0.04, 7.55, 103), (0.07, 174, 111)):
        norms = sequential.chain(100, 0.99, feedback).signal(400)
        assert norms.argmax() == at and norms.max() == pytest.approx(peak, rel=1e-3)
        assert 0 < norms[-1] < norms.max()


def test_the_eigenvalues_of_chains_with_feedback_are_those_of_the_symmetric_matrix_similar_to_them():
    found = np.sort(np.linalg.eigvals(sequential.chain(6, 0.99, 0.5).matrix).real)
    symmetric = np.sqrt(0.99 * 0.5) * (np.eye(6, k=1) + np.eye(6, k=-1))
    np.testing.assert_allclose(found, np.linalg.eigvalsh(symmetric), atol=1e-12)
    closed = 2 * np.sqrt(0.99 * 0.5) * np.cos(np.pi * np.arange(6, 0, -1) / 7)
    np.testing.assert_allclose(found, closed, atol=1e-12)


def test_henricis_index_of_chains_is_exact_where_eigenvalues_are_and_told_where_they_are_not():
    nilpotent = sequential.chain(100, 1.02).matrix
    assert henrici(nilpotent) == pytest.approx(10.1489, abs=5e-5)
    assert sequential.exact_henrici("chain", 1.02, 100) == pytest.approx(henrici(nilpotent), rel=1e-12)
    exact = sequential.exact_henrici("fbchain", 0.99, 100, 0.04)
    assert exact == pytest.approx(9.4524, abs=5e-5)
    trap = henrici(sequential.chain(100, 0.99, 0.04).matrix)
    assert 7.3 < trap < 7.7  # ill-conditioned: why it is told of normally initialised networks alone
    short = sequential.chain(12, 0.99, 0.5).matrix
    assert henrici(short) == pytest.approx(sequential.exact_henrici("fbchain", 0.99, 12, 0.5), rel=1e-12)
    for kind in ("identity", "orthogonal"):
        assert sequential.exact_henrici(kind, 0.99, 100) == 0
        assert henrici(sequential.net(kind, 100, 0.99).matrix) < 1e-12


def test_what_is_not_known_or_not_stable_is_refused():
    with pytest.raises(Fault, match="unknown linear network 'chian'; did you mean 'chain'"):
        sequential.net("chian", 10, 1.0)
    with pytest.raises(Fault, match="'chain' has no feedback"):
        sequential.net("chain", 10, 1.0, 0.1)
    with pytest.raises(Fault, match="no stationary covariance"):
        sequential.normal_total_memory(1.0)
    with pytest.raises(Fault, match="eigenvalue of modulus 1 or more"):
        sequential.orthogonal(10, 1.0).total_memory()


def test_a_linear_network_without_noise_is_decoded_perfectly_and_with_noise_chains_are_ahead():
    nets = {"orthogonal": sequential.orthogonal(40, 1.0), "chain": sequential.chain(40, 1.02)}
    size = {"steps": 40, "train": 400, "test": 200}
    assert all(decode(net, **size).r_squared > 0.999 for net in nets.values())
    noisy = {name: decode(net, noise=0.1, **size).r_squared for name, net in nets.items()}
    assert noisy["chain"] > noisy["orthogonal"] + 0.2
    bent = {name: decode(net, function="elu", **size).r_squared for name, net in nets.items()}
    assert bent["chain"] > 0.4 > bent["orthogonal"]


def test_the_decoder_cannot_read_an_input_that_has_left_the_chain():
    lost = decode(sequential.chain(40, 1.0), steps=45, train=400, test=200)
    assert abs(lost.r_squared) < 0.3 and len(lost.true) == 200
    assert Decoded(np.array([1.0, 2.0]), np.array([1.0, 2.0])).r_squared == 1.0
    assert Decoded(np.array([1.0, 2.0]), np.array([1.5, 1.5])).r_squared == 0.0


def test_decoding_is_seeded_and_all_networks_see_the_same_inputs():
    first, again, other = (
        decode(sequential.chain(10, 1.0), steps=10, noise=0.1, seed=seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(first.read, again.read) and not np.allclose(first.true, other.true)
    assert np.array_equal(first.true, decode(sequential.identity(10, 0.9), steps=10, seed=0).true)
