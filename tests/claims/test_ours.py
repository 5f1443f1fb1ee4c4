"""What a claim's models measure, in words: worked out by hand from invented runs."""

from __future__ import annotations

import math

import pytest

from rnnrepro.claims import ours
from rnnrepro.claims.comparisons import Arms
from rnnrepro.claims.statistics import RunValue
from rnnrepro.config import Claim


def words(values: dict[str, list[float]], *, kind: str = "better", diverged=(), **settings) -> str:
    """The words on arms whose runs, by `label@point`, have these values."""
    runs: dict[str, list[RunValue]] = {}
    for place, found in values.items():
        label, _, point = place.partition("@")
        runs.setdefault(label, []).extend(
            RunValue(point, seed, value, (label, seed) in diverged) for seed, value in enumerate(found)
        )
    claim = Claim(text="It is so.", source="Table 1", kind=kind, arms=list(runs), **settings)
    return ours.in_words(claim, Arms(runs, {label: label.upper() for label in runs}, "lower", 0.5))


@pytest.mark.parametrize(
    ("values", "settings", "said"),
    [
        # deviations of 0.1 about 0.3 and 0.4 have the standard deviation 0.1
        ({"a": [0.2, 0.3, 0.4], "b": [0.5]}, {}, "A: 0.30 ± 0.10; B: 0.5000"),
        ({"a": [0.2, 0.9, 0.3]}, {"compare": "median"}, "A: median 0.3000 (0.2000 to 0.9000)"),
        ({"a@rate=1": [0.1, 0.3], "a@rate=2": [0.5, 0.7]}, {}, "A: 0.2000 to 0.6000 at 2 settings"),
        ({"a": [0.1, 0.2, 0.9]}, {"kind": "more_successes"}, "A: 2 of 3"),
    ],
)
def test_each_model_is_told_with_its_spread(values, settings, said):
    assert words(values, **settings) == said


def test_runs_without_a_number_are_told_apart():
    inf = math.inf
    assert words({"a": [0.2, inf, 0.4, inf]}, diverged=[("a", 1)]) == (
        "A: 0.30 ± 0.14 (1 of 4 diverged, 1 of 4 never)"
    )
    assert words({"a": [inf, inf]}) == "A: 2 of 2 never"
    assert words({"a@1": [inf], "a@2": [inf]}, diverged=[("a", 0)]) == "A: 2 of 2 diverged"
    lost = {"a": [0.1, inf]}
    assert words(lost, kind="more_successes", diverged=[("a", 1)]) == "A: 1 of 2"
