import hashlib

import numpy as np
import pytest

from rnnrepro import streams


def test_a_stream_is_philox_keyed_by_the_hash_of_its_canonical_name():
    text = '["copying",3,{"a":1,"b":null}]'
    key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
    expected = np.random.Generator(np.random.Philox(key=key)).random(5)
    assert np.array_equal(streams.generator("copying", 3, {"b": None, "a": 1}).random(5), expected)


def test_equal_names_give_equal_numbers_and_different_names_different_ones():
    first = streams.generator("train", 0, 7).integers(0, 2**32, 100)
    assert np.array_equal(first, streams.generator("train", 0, 7).integers(0, 2**32, 100))
    for other in [("train", 0, 8), ("train", 1, 7), ("test", 0, 7), ("train", 0, "7"), ("train", 0, 7, 0)]:
        assert not np.array_equal(first, streams.generator(*other).integers(0, 2**32, 100))


def test_seeds_are_non_negative_63_bit_integers_that_follow_the_name():
    seeds = [streams.seed("parameters", run) for run in range(200)]
    assert len(set(seeds)) == 200
    assert min(seeds) >= 0
    assert 2**61 < max(seeds) < 2**63
    assert seeds[3] == streams.seed("parameters", 3)


@pytest.mark.parametrize("key", [np.int64(3), float("nan"), b"bytes"])
def test_names_that_json_cannot_hold_exactly_are_refused(key):
    with pytest.raises((TypeError, ValueError)):
        streams.generator("train", key)
