"""Speech as frames of log-magnitude spectra: the preparation of TIMIT by Wisdom et al. (2016), which others share."""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import resample_poly
from scipy.signal.windows import hann

from rnnrepro.errors import Fault

FLOOR = 1e-5
FLOOR_DECIBEL = -50.0
_FULL_SCALE = 32768.0


def check(*, rate: int, window: int, hop: int, frames: int | None) -> None:
    """Raise Fault for settings of which no frames can be made."""
    if rate < 1 or window < 2 or window % 2 or not 1 <= hop <= window:
        raise Fault(
            f"speech: rate {rate}, window {window}, hop {hop}: expected a positive rate, an even window "
            "and a hop of at most a window"
        )
    if frames is not None and frames < 2:
        raise Fault(f"speech: frames {frames} leave nothing to predict; take at least 2")


def log_magnitudes(
    samples: np.ndarray, sample_rate: int, *, rate: int, window: int, hop: int, frames: int | None = None
) -> np.ndarray:
    """10 log₁₀(10⁻⁵ + |X|²) in dB of the short-time Fourier transform X: (n,) int16 -> (T, window/2 + 1) float32.

    The samples, as fractions of full scale (int16 / 32768), are resampled to `rate` by a polyphase filter
    (scipy.signal.resample_poly), filled with zeros to a multiple of `hop`, and given a `window` of zeros at both
    ends; frames of `window` samples, `hop` apart, are weighted by the periodic Hann window. `frames`: the first so
    many of them alone. (stwisdom/urnn, util.py and timit_prediction.py.)
    """
    signal = samples / _FULL_SCALE
    if rate != sample_rate:
        common = math.gcd(rate, sample_rate)
        signal = resample_poly(signal, rate // common, sample_rate // common)
    filled = np.zeros(2 * window + -(-len(signal) // hop) * hop)
    filled[window : window + len(signal)] = signal
    pieces = np.lib.stride_tricks.sliding_window_view(filled, window)[::hop][:frames]
    spectrum = np.fft.rfft(pieces * hann(window, sym=False))
    return (10.0 * np.log10(FLOOR + spectrum.real**2 + spectrum.imag**2)).astype(np.float32)
