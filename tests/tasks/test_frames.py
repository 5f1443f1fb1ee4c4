"""Frames of log-magnitude spectra against an independent library and against closed forms."""

import math

import numpy as np
import pytest
from scipy import signal

from rnnrepro.errors import Fault
from rnnrepro.tasks import frames
from rnnrepro.tasks.shapes import frame_count

HOW = {"rate": 8000, "window": 256, "hop": 128}


def noise(count, seed=0):
    return np.random.default_rng(seed).integers(-20000, 20000, count).astype(np.int16)


@pytest.mark.parametrize("count", [1, 127, 128, 129, 1000, 4096])
@pytest.mark.parametrize(("window", "hop"), [(256, 128), (256, 64), (64, 48), (32, 32)])
def test_the_spectra_are_those_of_scipy(count, window, hop):
    """scipy.signal.stft scales by the sum of the window, which is undone; its zero extension is off, ours is there."""
    samples = noise(count)
    found = frames.log_magnitudes(samples, 8000, rate=8000, window=window, hop=hop)
    x = np.concatenate([np.zeros(window), samples / 32768, np.zeros(-count % hop + window)])
    hann = signal.get_window("hann", window, fftbins=True)
    _, _, reference = signal.stft(
        x, window=hann, nperseg=window, noverlap=window - hop, boundary=None, padded=False, scaling="spectrum"
    )
    expected = 10 * np.log10(1e-5 + np.abs(reference.T * hann.sum()) ** 2)
    assert (
        found.shape
        == expected.shape
        == (frame_count(count, 8000, rate=8000, window=window, hop=hop), window // 2 + 1)
    )
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("bin_", [5, 32, 100])
def test_a_pure_tone_is_its_window_in_three_bins(bin_):
    """A cos(2πkn/N) in the middle of a bin: |X_k| = A N/4 with the periodic Hann window, half of that beside it."""
    amplitude, window = 0.5, 256
    n = np.arange(20 * window)
    tone = np.round(32768 * amplitude * np.cos(2 * np.pi * bin_ * n / window)).astype(np.int16)
    inside = frames.log_magnitudes(tone, 8000, **HOW)[5:-5]
    peak = 20 * math.log10(amplitude * window / 4)
    np.testing.assert_allclose(inside[:, bin_], peak, atol=1e-3)
    np.testing.assert_allclose(inside[:, [bin_ - 1, bin_ + 1]], peak - 20 * math.log10(2), atol=1e-3)
    far = np.abs(np.arange(129) - bin_) > 1
    assert inside[:, far].max() < -35  # the rounding of the samples, and nothing else


def test_silence_is_the_floor_and_so_are_the_first_and_the_last_frame():
    assert np.all(frames.log_magnitudes(np.zeros(700, np.int16), 8000, **HOW) == np.float32(-50))
    loud = frames.log_magnitudes(np.full(700, 30000, np.int16), 8000, **HOW)
    assert np.all(loud[[0, -1]] == np.float32(frames.FLOOR_DECIBEL))
    assert loud[1:-1].max(1).min() > 0


def test_the_number_of_frames_is_that_of_the_card():
    """Two seconds at 16 kHz: 16,000 samples at 8 kHz are 125 hops, and three frames more for the zeros at both ends."""
    assert frame_count(32_000, 16_000, **HOW) == 128
    assert frame_count(124_621, 16_000, **HOW) == 490  # the longest that the reproduction card counts with


@pytest.mark.parametrize("count", [2000, 2001, 3777])
def test_resampling_keeps_a_tone_below_the_new_limit_and_removes_one_above(count):
    n = np.arange(count)
    low, high = ((9000 * np.sin(2 * np.pi * f / 16_000 * n)).astype(np.int16) for f in (1000, 6000))
    kept, removed = (frames.log_magnitudes(x, 16_000, **HOW) for x in (low, high))
    assert len(kept) == frame_count(count, 16_000, **HOW)
    middle = len(kept) // 2
    assert kept[middle].argmax() == 32  # 1,000 of 4,000 Hz in 128 bins
    direct = frames.log_magnitudes(
        (9000 * np.sin(2 * np.pi * np.arange(count // 2) / 8)).astype(np.int16), 8000, **HOW
    )
    assert abs(kept[middle, 32] - direct[middle, 32]) < 0.1
    assert removed[middle].max() < kept[middle].max() - 30


def test_cut_frames_are_the_first_ones():
    samples = noise(3000)
    whole = frames.log_magnitudes(samples, 8000, **HOW)
    assert np.array_equal(frames.log_magnitudes(samples, 8000, **HOW, frames=7), whole[:7])
    assert np.array_equal(frames.log_magnitudes(samples, 8000, **HOW, frames=999), whole)


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"window": 255}, {"window": 0}, {"hop": 0}, {"hop": 257}, {"frames": 1}]
)
def test_settings_of_which_no_frames_can_be_made_are_faults(wrong):
    with pytest.raises(Fault, match=r"^speech: "):
        frames.check(**{**HOW, "frames": None, **wrong})
