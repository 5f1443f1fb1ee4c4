"""The user's settings, held to their typed form."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rnnrepro.config import BACKENDS, UserSettings
from rnnrepro.errors import Fault
from rnnrepro.typed import Reader, schema

CONFIG = Path(__file__).parents[2] / "config"


def test_the_user_settings_explain_every_key_and_keep_its_default():
    text = (CONFIG / "config.yaml").read_text()
    given = yaml.safe_load(text)
    defaults = UserSettings()
    assert given == vars(defaults)
    blocks = [block.splitlines() for block in text.split("\n\n")[1:]]
    assert [block[-1].split(":")[0] for block in blocks] == list(given)
    assert all(block[0].startswith("# ") for block in blocks)


def test_the_readme_of_the_settings_names_every_key():
    readme = (CONFIG / "README.md").read_text()
    assert [key for key in vars(UserSettings()) if f"| `{key}` |" not in readme] == []


def read(**given) -> UserSettings:
    reader = Reader("config.yaml")
    user = reader.read(UserSettings, given)
    reader.finish()
    return user


@pytest.mark.parametrize(
    ("key", "value", "mend"),
    [
        ("backend", "plian", "'plain'"),
        ("backend", "cuda", "known"),
        ("stack", "atuo", "'auto'"),
        ("stack", 0, "least allowed, 1"),
        ("stack", None, "expected a whole number or 'auto'"),
    ],
)
def test_a_wrong_backend_or_stack_is_one_fault_with_its_mend(key, value, mend):
    with pytest.raises(Fault, match=mend) as fault:
        read(**{key: value})
    assert str(fault.value).count("\n") == 0


def test_backend_and_stack_take_what_they_say():
    assert [read(backend=word).backend for word in BACKENDS] == list(BACKENDS)
    assert [read(stack=value).stack for value in ("auto", 1, 462)] == ["auto", 1, 462]
    assert schema(UserSettings)["properties"]["stack"]["anyOf"] == [{"type": "integer"}, {"enum": ["auto"]}]


def test_the_backends_that_can_be_set_are_those_of_the_scan():
    from rnnrepro import scan

    assert scan.BACKENDS == BACKENDS
