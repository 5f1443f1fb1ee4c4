"""YAML that nobody means well with: plain values or one Fault, in bounded time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro import names, safe_yaml
from rnnrepro.errors import Fault

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n"
    for old, new in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
HOSTILE = {
    "laughs": (LAUGHS, "aliases written out"),
    "itself": ("a: &a [*a]", "an alias stands within its own anchor"),
    "brackets": ("[" * 200_000, "at most 100 levels"),
    "dashes": ("- " * 200_000 + "x", "at most 100 levels"),
    "levels": ("{a: " * 101 + "1" + "}" * 101, "at most 100 levels"),
    "indented": ("".join(f"{' ' * i}a:\n" for i in range(200)), "at most 100 levels"),
    "entries": ("[" + "1," * 60_000 + "]", "at most 50,000 entries"),
    "long": ("a: " + "x" * safe_yaml.BYTES, "bytes, found more"),
    "twice": ("a: 1\nb: {c: 2, d: 3, c: 4}", r"the key 'c' stands twice \(line 2, column 17\)"),
    "merged_twice": ("a: &a {b: 1}\nc: {<<: *a, <<: *a}", "the key '<<' stands twice"),
    "list_as_key": ("? [a]\n: 1", "a key is a list or a mapping"),
    "alike_keys": ("{" + ", ".join(f"{i * (2**61 - 1)}: 1" for i in range(1, 3000)) + "}", "is no key"),
    "sixties": ("a: " + ":".join(["1"] * 200_000), "is no number"),
    "octal": ("a: {hidden: 010}", r"YAML reads '010' to the base 8; write it as a plain .*column 13"),
    "signed_octal": ("a: -0_7", "to the base 8"),
    "base_60": ("a: 1:30", "YAML reads '1:30' to the base 60"),
    "base_60_with_a_point": ("a: 1:30.5", "to the base 60"),
    "digits": ("a: " + "9" * 5000, "is no number"),
    "large": ("a: 99999999999999999999", "larger than 64 bits"),
    "nan": ("a: .nan", "nan is no number"),
    "infinite": ("a: [1.0, -.inf]", "-inf is no number"),
    "overflow": ("a: 1.0e+999", "inf is no number"),
    "date": ("a: 2026-01-02", "found date; put it in quotes"),
    "no_date": ("a: 2026-13-45", "not valid YAML"),
    "no_time": ("a: !!timestamp x", "not valid YAML"),
    "empty_number": ("a: !!int ''", "not valid YAML"),
    "code": ("!!python/object/apply:os.system ['touch pwned']", "could not determine a constructor"),
    "name": ("!!python/name:os.system", "could not determine a constructor"),
    "bytes": ("a: !!binary aGk=", "found bytes"),
    "documents": ("a: 1\n---\nb: 2", "expected a single document"),
    "zero": ("a: \0", "control characters"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_a_fault_soon(name):
    text, said = HOSTILE[name]
    began = time.process_time()
    with pytest.raises(Fault, match=f"^the file: .*{said}" if name != "documents" else said):
        safe_yaml.parse(text, "the file")
    assert time.process_time() - began < 10  # a bound on hanging, not on speed


@given(
    st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>?#,'\"% \n\t<=~@`0123456789._é\0\x85\u2028"), max_size=60)
)
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_value_or_a_fault(text):
    try:
        value = safe_yaml.parse(text, "the file")
    except Fault as fault:
        assert str(fault).startswith("the file: ")
        return
    assert isinstance(value, (str, int, float, list, dict, type(None)))


LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | LETTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
    max_leaves=5,
)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_a_setting_on_a_command_line_is_read_back_as_it_was(value):
    text = safe_yaml.line(value)
    assert text.isascii() and text.isprintable()
    assert repr(safe_yaml.parse(text, "x")) == repr(value)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(Fault, match="expected a file, found a folder, device or pipe"):
            safe_yaml.read(tmp_path / name)
    with pytest.raises(Fault, match="cannot be read"):
        safe_yaml.read(tmp_path / "nothing")
    (tmp_path / "bytes").write_bytes(b"a: \xff")
    with pytest.raises(Fault, match="not valid YAML"):
        safe_yaml.read(tmp_path / "bytes")


@pytest.mark.parametrize(
    "word", ["", "a;touch x", "$(id)", "../up", "a b", "a/b", "A", "é", "-rf", "x" * 65, "a\n", "{a}"]
)
def test_only_a_plain_name_names_a_paper_or_an_arm(word):
    assert not names.is_plain(word)
    assert names.of_arm(word)
    assert names.of_arm(f"lstm.{word}")


@pytest.mark.slow
def test_the_memory_for_hostile_yaml_is_bounded():
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))\n"
        "from tests.fuzz.test_yaml import HOSTILE, Fault, safe_yaml\n"
        "for text, _ in HOSTILE.values():\n"
        "    try: safe_yaml.parse(text, 'x')\n"
        "    except Fault: pass\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_numbers_that_look_like_others_are_read_as_they_look():
    text = "[0, 0.5, 00.5, 089, '010', 10, -1, 0x10, '1:30', 1_000]"
    assert safe_yaml.parse(text, "x") == [0, 0.5, 0.5, "089", "010", 10, -1, 16, "1:30", 1000]
