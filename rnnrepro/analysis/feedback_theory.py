"""Why local learning by random feedback lowers the loss: a linear network (Murray 2019, Appendix Eqs. 32–40).

An update of W changes the loss, to first order in the rate η, by

    ΔL₂ = −(η/T) ∫dt/T ∫dt'/T Σ_abj ε(t) w_j P^j_ab(t) · ε(t') b_a p_ab(t')

with the read-out w, the feedback b, the exact sensitivities P and the eligibility traces p. For linear units with
⟨h_i(t) h_j(t')⟩ = δ_ij C(t − t') and W ~ N(0, g²/N), averaged over W at large N, Eq. 40 is what `loss_change` has.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnrepro.errors import Fault


def loss_change(
    times: np.ndarray,
    target: np.ndarray,
    autocovariance: Callable[[np.ndarray], np.ndarray],
    readout: np.ndarray,
    feedback: np.ndarray,
    *,
    tau: float,
    rate: float,
) -> float:
    """⟨ΔL₂⟩ = −(η N/T) (w·b) ∫dt/T ∫dt'/T K(t, t') {y*(t) y*(t') + C(t − t') |w|²}, negative once w·b > 0, with

        K(t, t') = ∫₀ᵗ du/τ ∫₀^{t'} dv/τ e^{−(t − u + t' − v)/τ} C(u − v).

    `times` (n,) rise from 0 to T, the unit being that of `tau`; `target` y* (n,) at these; `autocovariance` C of an
    array of lags; `readout` w (N,) and `feedback` b (N,) of one output; `rate` η. Integrals by the trapezoid rule on
    `times`, whose steps must be well below `tau`. Raises Fault for times that do not rise from 0.
    """
    times = _checked(times, target)
    covariance = autocovariance(times[:, None] - times[None, :])
    trace = eligibility(times, tau)
    weight = _trapezoid(times) / times[-1]
    errors = np.outer(target, target) + covariance * float(readout @ readout)
    integral = weight @ (trace @ covariance @ trace.T * errors) @ weight
    return float(-rate * len(readout) / times[-1] * (readout @ feedback) * integral)


def eligibility(times: np.ndarray, tau: float) -> np.ndarray:
    """(n, n): what takes h at `times` to the trace ∫₀ᵗ du/τ e^{−(t − u)/τ} h(u) at each, by the trapezoid rule."""
    decay = np.exp(-np.clip(times[:, None] - times[None, :], 0, None) / tau) / tau
    weights = np.zeros((len(times), len(times)))
    for i in range(1, len(times)):
        weights[i, : i + 1] = _trapezoid(times[: i + 1])
    return decay * weights


def _trapezoid(times: np.ndarray) -> np.ndarray:
    """Weights (n,) of the values at `times` in their integral."""
    half = np.diff(times) / 2
    return np.concatenate((half, [0.0])) + np.concatenate(([0.0], half))


def _checked(times: np.ndarray, target: np.ndarray) -> np.ndarray:
    times = np.asarray(times, np.float64)
    if times.ndim != 1 or len(times) < 2 or times[0] != 0 or not (np.diff(times) > 0).all():
        raise Fault("times are two or more numbers that rise from 0")
    if np.shape(target) != times.shape:
        raise Fault(
            f"the target has shape {np.shape(target)}, times {times.shape}: give it at each of the times"
        )
    return times
