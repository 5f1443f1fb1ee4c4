"""Sound files are read to the sample, and nothing else is taken for one."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro.datasets import audio
from rnnrepro.errors import Fault

SAMPLES = np.array([0, 1, -1, 32767, -32768, 256, -257] * 40, np.int16)


@pytest.mark.parametrize("form", ["sphere", "wav"])
def test_samples_come_back_to_the_bit(sounds, form):
    found = audio.parse(getattr(sounds, form)(SAMPLES), "x", rate=16_000)
    assert found.dtype == np.int16
    assert np.array_equal(found, SAMPLES)


def test_a_sphere_file_may_store_the_high_byte_first(sounds):
    header = sounds.sphere(SAMPLES, sample_byte_format="-s2 10")[:1024]
    assert np.array_equal(audio.parse(header + SAMPLES.astype(">i2").tobytes(), "x", rate=16_000), SAMPLES)


@pytest.mark.parametrize("form", ["sphere", "wav"])
def test_the_length_is_known_from_the_beginning_of_a_file(sounds, form):
    content = getattr(sounds, form)(SAMPLES)
    assert audio.declared(content[:1200]) == audio.declared(content) == len(SAMPLES)


@pytest.mark.parametrize("form", ["sphere", "wav"])
@pytest.mark.parametrize("missing", [2, 3, 500])
def test_a_truncated_file_is_a_fault_that_says_how_much_is_there(sounds, form, missing):
    content = getattr(sounds, form)(SAMPLES)[:-missing]
    with pytest.raises(Fault, match=r"a\.wav: truncated: expected 280 samples, found \d+"):
        audio.parse(content, "a.wav", rate=16_000)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda s: b"", "found it damaged"),
        (lambda s: b"NIST_1A\n   1024\n", "found it damaged"),
        (lambda s: s.sphere(SAMPLES)[:1024], "truncated"),
        (
            lambda s: s.sphere(SAMPLES, 8000),
            "expected a WAVE or SPHERE file of 16 bits, one channel, 16,000 Hz",
        ),
        (lambda s: s.sphere(SAMPLES, channel_count="-i 2"), "found NIST PCM_16, 2 channels"),
        (lambda s: s.sphere(SAMPLES, sample_coding="-s26 pcm,embedded-shorten-v2.00"), "damaged|truncated"),
        (lambda s: b"GIF89a" + bytes(3000), "found it damaged"),
    ],
)
def test_anything_else_is_a_fault(sounds, content, said):
    with pytest.raises(Fault, match=rf"^a\.wav: .*({said})"):
        audio.parse(content(sounds), "a.wav", rate=16_000)


@settings(max_examples=150, deadline=None)
@given(
    form=st.sampled_from(["sphere", "wav"]),
    place=st.integers(0, 1100),
    junk=st.binary(min_size=1, max_size=24),
    cut=st.integers(0, 1700),
)
def test_hostile_bytes_are_read_or_refused_at_once(sounds, form, place, junk, cut):
    content = bytearray(getattr(sounds, form)(SAMPLES))
    content[place : place + len(junk)] = junk
    began = time.process_time()
    try:
        found = audio.parse(bytes(content[:cut] if cut > 20 else content), "x", rate=16_000)
    except Fault as fault:
        assert str(fault).startswith("x: ")
    else:
        assert 0 < len(found) <= len(content) // 2
    assert time.process_time() - began < 5.0  # a bound on hanging, not on speed


@settings(max_examples=100, deadline=None)
@given(
    content=st.binary(max_size=2000),
    head=st.sampled_from([b"", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"NIST_1A\n   1024\n"]),
)
def test_arbitrary_bytes_are_refused(content, head):
    with pytest.raises(Fault, match=r"^x: "):
        audio.parse(head + content, "x", rate=16_000)
    audio.declared(head + content)
