"""Settings: strict keys, right types, every fault at once; the schema says the same as the reader."""

from __future__ import annotations

import dataclasses

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro import typed
from rnnrepro.config import Experiment, UserSettings, statistic
from rnnrepro.errors import Fault

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from([f.name for f in dataclasses.fields(UserSettings)]) | st.text(max_size=8)


def faults(cls: type, value: object) -> list[str]:
    reader = typed.Reader("file.yaml")
    reader.read(cls, value)
    return reader.faults


def test_all_faults_are_said_at_once_each_with_its_place_and_the_nearest_name():
    found = faults(
        UserSettings, {"scal": "quick", "papers": "nnrnn", "seeds": 0, "device": "cdua", "stack": "3"}
    )
    assert len(found) == 5
    assert any("scal: unknown key; did you mean 'scale'?" in text for text in found)
    assert any("papers: expected a list, found 'nnrnn'" in text for text in found)
    assert any("did you mean 'cuda'?" in text for text in found)


def test_a_number_that_yaml_reads_as_a_text_is_explained():
    (fault,) = faults(UserSettings, {"minutes": "1e-3"})
    assert "1.0e-3" in fault


def test_missing_keys_are_named_with_their_meaning():
    assert any("missing key 'title'" in text for text in faults(Experiment, {}))


@given(st.dictionaries(KEYS, VALUES, max_size=5))
@settings(max_examples=300, deadline=None)
def test_reader_and_schema_agree_on_every_mapping(value):
    schema = typed.schema(UserSettings)
    accepted = jsonschema.Draft202012Validator(schema).is_valid(value)
    # JSON has one kind of number: 2.0 is an integer there, and not here.
    floats = any(isinstance(v, float) and v.is_integer() for v in value.values())
    if not floats:
        assert accepted == (not faults(UserSettings, value))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("last", ("last", None)),
        ("median_last(4)", ("median_last", 4.0)),
        ("first_step_below(0.02)", ("first_step_below", 0.02)),
    ],
)
def test_statistics_are_parsed(spec, expected):
    assert statistic(spec) == expected


@given(st.text(max_size=20))
def test_any_other_text_is_no_statistic(text):
    try:
        name, _ = statistic(text)
    except ValueError:
        return
    assert text.startswith(name)


def test_finishing_a_reader_raises_one_fault_with_every_line():
    reader = typed.Reader("f")
    reader.fault("a", "one")
    reader.fault("b", "two")
    with pytest.raises(Fault, match=r"(?s)a: one.*b: two"):
        reader.finish()
