import gzip
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rnnrepro.datasets import idx
from rnnrepro.errors import Fault

IMAGES = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))


def written(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@given(IMAGES)
def test_what_was_written_is_read(array):
    assert np.array_equal(idx.parse(written(array), "file"), array)


@given(st.binary(max_size=200))
def test_any_bytes_give_an_array_of_their_declared_shape_or_a_fault(content):
    try:
        found = idx.parse(content, "file")
    except Fault as fault:
        assert str(fault).startswith("file: ")
    else:
        assert written(found) == content


@given(IMAGES, st.data())
def test_a_file_cut_short_anywhere_or_with_more_behind_is_a_fault(array, data):
    whole = written(array)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + b"\0"):
        with pytest.raises(Fault, match="file: "):
            idx.parse(wrong, "file")


def test_sizes_that_the_contents_do_not_bear_out_are_a_fault_before_anything_is_allocated():
    header = bytes([0, 0, 8, 4]) + struct.pack(">4I", *[2**32 - 1] * 4)
    with pytest.raises(Fault, match=rf"expected {math.prod([2**32 - 1] * 4):,} elements .*, found 3"):
        idx.parse(header + b"abc", "file")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "found nothing"),
        (b"\x89PNG....", "first bytes 0 0.*found 89504e47"),
        (bytes([0, 0, 13, 1]) + bytes(8), "expected unsigned bytes .* found type 13 in 1"),
        (bytes([0, 0, 8, 0]), "found type 8 in 0"),
        (bytes([0, 0, 8, 3, 0, 0]), "truncated: expected 16 bytes of header, found 6"),
    ],
)
def test_each_fault_says_what_was_expected_and_found(content, said):
    with pytest.raises(Fault, match=said):
        idx.parse(content, "file")


@pytest.mark.parametrize(
    "damage", [lambda packed: packed[:-9], lambda packed: b"no gzip", lambda packed: packed[:20]]
)
def test_damaged_packing_is_a_fault(tmp_path, damage):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(written(np.arange(250, dtype=np.uint8))))
    assert idx.read(path).shape == (250,)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Fault, match=r"images\.gz: expected a gzipped idx file, found it damaged"):
        idx.read(path)
