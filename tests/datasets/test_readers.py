import math
from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_digits

from rnnrepro.datasets import images, texts
from rnnrepro.datasets.fetch import fetch
from rnnrepro.datasets.registry import DATASETS
from rnnrepro.datasets.shipped import PYTHON_DOCS_TRAIN, python_docs
from rnnrepro.errors import Fault


def test_the_digits_are_those_of_scikit_learn_split_once():
    found, reference = images.load("digits", None), load_digits()
    assert found.train.shape == (1500, 8, 8)
    assert found.test.shape == (297, 8, 8)
    assert found.white == reference.images.max() == 16
    order = np.random.RandomState(1234).permutation(1797)
    assert np.array_equal(np.concatenate([found.train, found.test]), reference.images[order])
    assert np.array_equal(np.concatenate([found.train_classes, found.test_classes]), reference.target[order])
    assert min(Counter(found.test_classes.tolist()).values()) > 15


def test_the_python_docs_are_cut_in_order_and_numbered_by_first_appearance():
    from pydoc_data.topics import topics

    found = texts.load("python_docs", None)
    whole = "\n".join(topics[name] for name in sorted(topics))
    read = "".join(found.symbols[i] for split in ("train", "validation", "test") for i in found.splits[split])
    assert read == whole
    assert len(found.splits["train"]) == PYTHON_DOCS_TRAIN
    assert abs(len(found.splits["validation"]) - len(found.splits["test"])) <= 1
    assert list(found.symbols) == sorted(set(whole), key=whole.index)


def test_a_python_with_hardly_any_docs_is_a_fault(monkeypatch):
    import pydoc_data.topics

    python_docs.cache_clear()
    monkeypatch.setattr(pydoc_data.topics, "topics", {"if": "x" * PYTHON_DOCS_TRAIN})
    with pytest.raises(Fault, match="python_docs: expected well over 300,000 characters, found 300,000"):
        python_docs()
    python_docs.cache_clear()


def test_lines_are_blank_separated_symbols_with_an_end_after_each_line(tmp_path):
    path = tmp_path / "text"
    path.write_text("a _ b \n  < u \n\n c \n ")
    eos = "<eos>"
    assert texts.lines_of(path) == ["a", "_", "b", eos, "<", "u", eos, eos, "c", eos, eos]
    path.write_text("a \n b \n")
    assert texts.lines_of(path) == ["a", eos, "b", eos]


def test_symbols_are_numbered_over_all_splits_in_order():
    found = texts.numbered({"train": "abca", "validation": "cd", "test": ["e", "a", "<eos>"]})
    assert found.symbols == ("a", "b", "c", "d", "e", "<eos>")
    assert [found.splits[split].tolist() for split in ("train", "validation", "test")] == [
        [0, 1, 2, 0],
        [2, 3],
        [4, 0, 5],
    ]


def test_more_symbols_than_two_bytes_hold_are_a_fault():
    with pytest.raises(Fault, match="expected at most 65,536 different symbols, found 65,537"):
        texts.numbered({"train": range(65_537)})


def test_words_take_two_bytes_and_few_symbols_one():
    many = texts.numbered({"train": [f"w{i}" for i in range(300)], "test": ["w299", "w0"]})
    assert {split: numbers.dtype.name for split, numbers in many.splits.items()} == dict.fromkeys(
        ("train", "test"), "uint16"
    )
    assert many.splits["test"].tolist() == [299, 0]
    assert texts.numbered({"train": "ab"}).splits["train"].dtype == np.uint8


def test_bytes_are_numbered_by_first_appearance_and_the_newline_is_the_end_of_a_line():
    data = b"ba\n\xc3b" + b"\n\xffa" + b"zb"
    found = texts.of_bytes(data, {"train": 5, "validation": 3, "test": 2})
    assert found.symbols == ("b", "a", "<eos>", "\\xc3", "\\xff", "z")
    assert [part.tolist() for part in found.splits.values()] == [[0, 1, 2, 3, 0], [2, 4, 1], [5, 0]]
    assert {part.dtype.name for part in found.splits.values()} == {"uint8"}
    with pytest.raises(Fault, match="expected 11 bytes, found 10"):
        texts.of_bytes(data, {"train": 5, "validation": 3, "test": 3})


def test_all_256_bytes_have_a_symbol_each():
    found = texts.of_bytes(bytes(range(256)), {"train": 256})
    assert len(set(found.symbols)) == 256
    assert found.splits["train"].tolist() == list(range(256))


@pytest.mark.parametrize(
    ("load", "name", "said"),
    [
        (images.load, "ptb_char", "data set of images 'ptb_char'; known: digits, mnist"),
        (texts.load, "mnist", "data set of characters 'mnist'; known: enwik8, ptb_char, python_docs"),
        (texts.load, "ptb_word", "data set of characters 'ptb_word'; did you mean 'ptb_char'"),
    ],
)
def test_a_data_set_that_holds_other_things_is_a_fault_that_names_the_right_ones(load, name, said, tmp_path):
    with pytest.raises(Fault, match=f"unknown {said}"):
        load(name, tmp_path)


def test_the_real_mnist_has_its_sizes_and_reads_as_digits(mirror, tmp_path):
    fetch("mnist", tmp_path, mirror=mirror)
    found = images.load("mnist", tmp_path)
    assert (
        found.train.shape
        == (60_000, 28, 28)
        == (DATASETS["mnist"].sizes["train"], *[DATASETS["mnist"].side] * 2)
    )
    assert found.test.shape == (DATASETS["mnist"].sizes["test"], 28, 28)
    assert math.isclose(found.train.mean() / found.white, 0.1307, abs_tol=5e-5)
    assert found.train_classes[:5].tolist() == [5, 0, 4, 1, 9]
    assert found.test_classes[:5].tolist() == [7, 2, 1, 0, 4]


def test_the_real_penn_treebank_has_fifty_symbols_and_the_authors_counts(mirror, tmp_path):
    fetch("ptb_char", tmp_path, mirror=mirror)
    found = texts.load("ptb_char", tmp_path)
    assert len(found.symbols) == 50 == DATASETS["ptb_char"].symbols
    assert {split: len(numbers) for split, numbers in found.splits.items()} == DATASETS["ptb_char"].sizes
    assert len(found.splits["train"]) == 5_017_483
    assert "".join(found.symbols[i] for i in found.splits["train"][:16]) == "aer_banknote_ber"
    assert found.symbols[found.splits["train"][-1]] == found.symbols[found.splits["train"][-2]] == "<eos>"


def test_the_real_penn_treebank_has_ten_thousand_words_and_the_known_counts(mirror, tmp_path):
    fetch("ptb_word", tmp_path, mirror=mirror)
    found = texts.load("ptb_word", tmp_path, "words")
    assert len(found.symbols) == 10_000 == DATASETS["ptb_word"].symbols
    assert {split: len(numbers) for split, numbers in found.splits.items()} == DATASETS["ptb_word"].sizes
    assert [found.symbols[i] for i in found.splits["validation"][:5]] == [
        "consumers",
        "may",
        "want",
        "to",
        "move",
    ]
