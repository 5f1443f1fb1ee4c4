"""Data files that are not what they should be: idx, texts, sound, windows of signals, archives of every packing."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnrepro.datasets import activity, archives, audio, idx, screening, texts
from rnnrepro.errors import Fault
from tests.fuzz.damage import FEW, MANY, damaged, read

IMAGES = b"\0\0\x08\x03" + struct.pack(">3I", 5, 4, 3) + bytes(range(60))
TEXT = ("_ t h e _ é _ <unk>\n" * 20).encode()
MEMBER = b"a member\n" * 300


def packed(packing, form=tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in {"other/é": b"x", "long/" + "n" * 200: b"yy", "pack/member.txt": MEMBER}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packing(out.getvalue())


def zipped(packing=zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in {"other/é": b"x", "pack/member.txt": MEMBER}.items():
            archive.writestr(name, content)
    return out.getvalue()


ARCHIVES = {
    "plain.tar": packed(bytes),
    "gnu.tar": packed(bytes, tarfile.GNU_FORMAT),
    "gz.tgz": packed(gzip.compress),
    "xz.tar": packed(lzma.compress),
    "bz2.tar": packed(bz2.compress),
    "lzma.tar": packed(lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    "deflated.zip": zipped(),
    "stored.zip": zipped(zipfile.ZIP_STORED),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def member_of(path):
    """As `fetch` reads a member: looked through first, and whatever is wrong is one Fault."""
    with screening.readable(path):
        screening.screen(path)
        return b"".join(archives.member(path, "pack/member.txt"))


def check_archive(place, name, data):
    path = place / name
    path.write_bytes(data.draw(damaged(ARCHIVES[name])))
    found = read(lambda: member_of(path))
    assert isinstance(found, (bytes, Fault))
    assert isinstance(found, Fault) or len(found) < 1 << 20
    packs = read(lambda: _repacked(path)) if path.suffix != ".zip" else b""
    assert isinstance(packs, (bytes, Fault))


def _repacked(path):
    with screening.readable(path):
        screening.screen(path)
        return b"".join(archives.packed(path, "pack/*.txt", 5000))


def check_idx(data):
    content = data.draw(damaged(IMAGES))
    found = read(lambda: idx.parse(content, "images"))
    if not isinstance(found, Fault):
        assert found.size == len(content) - 4 - 4 * found.ndim


def check_text(place, data):
    path = place / "ptb.txt"
    path.write_bytes(data.draw(damaged(TEXT)))
    with screening.readable(path):  # a text has its pinned checksum before it is read
        read(lambda: texts.numbered({"train": _lines(path)}))


def _lines(path):
    try:
        return texts.lines_of(path)
    except UnicodeDecodeError as error:
        raise Fault(str(error)) from None


def check_sound(sounds, name, data):
    samples = np.arange(-700, 700, dtype=np.int16)
    whole = sounds.wav(samples) if name == "wav" else sounds.sphere(samples)
    content = data.draw(damaged(whole))
    found = read(lambda: audio.parse(content, "sound", rate=16_000))
    if not isinstance(found, Fault):
        assert found.dtype == np.int16 and 2 * len(found) <= len(content)
    said = read(lambda: audio.declared(content))
    assert said is None or said >= 0


def check_signals(place, motion, data):
    made = motion.texts(motion.arrays({"train": 3}, 5))
    name = data.draw(st.sampled_from(sorted(made)))
    path = place / "signals.tar"
    path.write_bytes(motion.tar({name: data.draw(damaged(made[name]))}))
    found = read(lambda: activity._table(path, name, (3, 5)))
    if not isinstance(found, Fault):
        assert found.shape == (3, 5) and np.isfinite(found).all()


@pytest.mark.parametrize("name", ARCHIVES)
@given(data=st.data())
@FEW
def test_a_damaged_archive_gives_a_small_member_or_a_fault(place, name, data):
    check_archive(place, name, data)


@given(data=st.data())
@FEW
def test_a_damaged_idx_file_is_an_array_of_its_own_bytes_or_a_fault(data):
    check_idx(data)


@given(data=st.data())
@FEW
def test_a_damaged_text_is_numbered_or_a_fault(place, data):
    check_text(place, data)


@pytest.mark.parametrize("name", ["wav", "sphere"])
@given(data=st.data())
@FEW
def test_a_damaged_sound_gives_no_more_samples_than_it_has_or_a_fault(sounds, name, data):
    check_sound(sounds, name, data)


@given(data=st.data())
@FEW
def test_damaged_signals_are_finite_numbers_of_the_right_shape_or_a_fault(place, motion, data):
    check_signals(place, motion, data)


@pytest.mark.slow
@given(data=st.data())
@MANY
def test_damaged_data_of_every_kind_many_times(place, sounds, motion, data):
    kind = data.draw(st.sampled_from([*ARCHIVES, "idx", "text", "wav", "sphere", "signals"]))
    if kind in ARCHIVES:
        check_archive(place, kind, data)
    elif kind in ("wav", "sphere"):
        check_sound(sounds, kind, data)
    elif kind == "signals":
        check_signals(place, motion, data)
    else:
        check_idx(data) if kind == "idx" else check_text(place, data)
