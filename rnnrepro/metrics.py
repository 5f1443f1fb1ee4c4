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
    "accuracy": Metric(unit="fraction", better="higher", about="fraction of right answers"),
    "bpc": Metric(
        unit="bits per character",
        better="lower",
        about="cross-entropy / ln 2; of a text of words, bits per word",
    ),
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
    "descent_bound": Metric(
        unit="1", better=None, about="1 − η (α + ‖W‖)², below which no singular value of I − η M Mᵀ lies"
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
