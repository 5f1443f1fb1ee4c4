"""The closed list of measured quantities, with their units."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A measured quantity: its unit, and whether lower or higher is better (None: neither)."""

    unit: str
    better: str | None
    about: str


METRICS: dict[str, Metric] = {
    "cross_entropy": Metric(
        unit="nats", better="lower", about="mean cross-entropy over the scored positions"
    ),
    "mse": Metric(unit="1", better="lower", about="mean squared error"),
    "mse_valid": Metric(unit="1", better="lower", about="mean squared error over the frames of utterances"),
    "mse_padded": Metric(
        unit="1", better="lower", about="their squared error over all frames, those of the padding too"
    ),
    "half_squared_error": Metric(
        unit="1",
        better="lower",
        about="squared error of a trial, summed over its outputs, mean over its steps, halved",
    ),
    "path_error": Metric(
        unit="sides",
        better="lower",
        about="root mean square distance of the cursor from the target's path, in sides of the square",
    ),
    "transitions": Metric(
        unit="fraction", better="higher", about="fraction of right transitions from move to move"
    ),
    "accuracy": Metric(unit="fraction", better="higher", about="fraction of right answers"),
    "bpc": Metric(
        unit="bits per character",
        better="lower",
        about="cross-entropy / ln 2; of a text of words, bits per word",
    ),
    "steps": Metric(unit="optimiser steps", better="lower", about="steps until a loss is below a level"),
    "j_total": Metric(unit="1", better="higher", about="sum of the Fisher memory curve"),
    "residual": Metric(
        unit="1", better="lower", about="distance of the recurrent matrix from its constraint"
    ),
    "gradient_h0": Metric(unit="1", better=None, about="norm of the loss gradient at the initial state"),
    "gradient_norm": Metric(unit="1", better=None, about="norm of a sequence's loss gradient at h_t, by t"),
    "spectral_radius": Metric(
        unit="1", better=None, about="spectral radius of the short-term matrix before it is normalised"
    ),
    "latch": Metric(unit="1", better=None, about="1 once the short-term matrix is normalised, 0 before"),
    "forgetting": Metric(unit="1", better=None, about="effect on h of one changed input, by steps since it"),
    "eigenvalue_real": Metric(unit="1", better=None, about="real part of eigenvalues, largest modulus first"),
    "eigenvalue_imaginary": Metric(unit="1", better=None, about="imaginary part, in the same order"),
    "henrici": Metric(unit="1", better=None, about="departure from normality, √(‖W‖² − Σ|λ|²)"),
    "henrici_relative": Metric(unit="1", better=None, about="departure from normality / ‖W‖"),
    "commutator": Metric(unit="1", better=None, about="‖WᵀW − WWᵀ‖"),
    "theta": Metric(unit="1", better=None, about="entries of the Schur form, row by row, first 128 × 128"),
    "theta_angle": Metric(unit="rad", better=None, about="angles of the Schur form's rotations, in [0, π]"),
    "theta_radius": Metric(unit="1", better=None, about="radii of the Schur form's rotations"),
    "theta_profile": Metric(unit="1", better=None, about="mean entry of the Schur form by sub-diagonal"),
    "theta_profile_absolute": Metric(unit="1", better=None, about="mean absolute entry by sub-diagonal"),
    "theta_triangle_ratio": Metric(unit="1", better=None, about="‖triangle‖ / ‖rotations‖ of the Schur form"),
    "successes": Metric(unit="runs", better="higher", about="number of successful runs"),
    "chain_profile": Metric(
        unit="1", better=None, about="mean recurrent weight by order difference i − j = −(N−1) … N−1"
    ),
    "chain_asymmetry": Metric(
        unit="1", better=None, about="chain profile, mean over differences 1 to 5 less that over −5 to −1"
    ),
    "modrelu_gain": Metric(
        unit="1",
        better=None,
        about="largest |∂f/∂z| + |∂f/∂z̄| of modReLU over units, by t, mean over sequences",
    ),
    "descent_smallest": Metric(
        unit="1", better=None, about="smallest singular value of I − η M Mᵀ, by t, over sequences"
    ),
    "descent_largest": Metric(
        unit="1", better=None, about="largest singular value of I − η M Mᵀ, by t, over sequences"
    ),
    "descent_bounds": Metric(
        unit="1",
        better=None,
        about="between which all of these lie: 1 − η (α + ‖W‖)² and 1, where that is positive",
    ),
    "descent_chain_smallest": Metric(
        unit="1", better=None, about="smallest singular value of ∂h_T/∂h_{T−k}, by k = 1 … T, over sequences"
    ),
    "descent_chain_largest": Metric(
        unit="1", better=None, about="largest singular value of ∂h_T/∂h_{T−k}, by k = 1 … T, over sequences"
    ),
    "descent_faded": Metric(
        unit="1", better=None, about="smallest singular value of ∂h_T/∂h_0, over sequences"
    ),
    "descent_grown": Metric(
        unit="1", better=None, about="largest singular value of all ∂h_T/∂h_{T−k}, over k and sequences"
    ),
    "descent_norm": Metric(unit="1", better=None, about="‖W‖ of SBO-RNN"),
    "descent_momentum": Metric(unit="1", better=None, about="momentum μ that SBO-RNN has learned"),
    "alignment": Metric(unit="1", better=None, about="cosine of the read-out V and the feedback B"),
    "credit_angle": Metric(
        unit="1",
        better=None,
        about="cosine of the angle between the rule's increment of W and the gradient's",
    ),
    "loss_change": Metric(
        unit="1", better=None, about="change of the loss, to first order, per unit of rate, as W alone moves"
    ),
    "recurrent_weight": Metric(unit="1", better=None, about="entries of W, row by row"),
    "recurrent_shape": Metric(unit="1", better=None, about="rows and columns of W"),
    "output": Metric(unit="1", better=None, about="outputs by trial, step and output"),
    "target": Metric(unit="1", better=None, about="what they should be, in the same order"),
    "output_shape": Metric(unit="1", better=None, about="numbers of trials, steps and outputs"),
    "peak_delay": Metric(unit="steps", better=None, about="delays between two pulses that are tested"),
    "peak_time": Metric(
        unit="steps", better=None, about="time of the output's peak after the second pulse, by delay"
    ),
    "peak_error": Metric(
        unit="steps", better="lower", about="mean distance of that time from the delay, over delays"
    ),
}
METRICS |= {
    f"{name}_{gate}": replace(METRICS[name], about=f"gate {gate}: {METRICS[name].about}")
    for name in ("chain_profile", "chain_asymmetry")
    for gate in "ifgo"
}
METRICS |= {
    f"{state}_{name}": replace(METRICS[name], about=f"{state}-term state: {METRICS[name].about}")
    for state in ("long", "short")
    for name in (
        "gradient_norm",
        "forgetting",
        "eigenvalue_real",
        "eigenvalue_imaginary",
        "henrici",
        "henrici_relative",
        "commutator",
    )
}
