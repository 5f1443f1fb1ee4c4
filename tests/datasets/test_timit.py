"""TIMIT is found in its owner's folder, whatever the case of its names, and must be complete."""

import dataclasses
import hashlib

import numpy as np
import pytest

from rnnrepro.datasets import provenance, registry, speech, timit
from rnnrepro.errors import Fault
from rnnrepro.tasks.shapes import SPEECH_SPLITS

OTHERS = [
    f"{'FM'[i % 2]}{chr(66 + i // 26 % 17)}{chr(65 + i // 4 % 18)}{chr(66 + i % 20)}{i % 10}"
    for i in range(2000)
]
PLAIN = list(dict.fromkeys(name for name in OTHERS if "SA" not in name))[:455]
WITH_SA = ["FSAH0", "FSAK0", "MSAH1", "MSAS0", "MSAT0", "MSAT1", "MGSA0"]


@pytest.fixture
def small(monkeypatch, tmp_path, sounds):
    """Makes a corpus of three training, two dev and one core speaker, one of TRAIN with `SA` in the name."""
    monkeypatch.setattr(timit, "DEV", ("FAKS0", "MGWT0"))
    monkeypatch.setattr(timit, "CORE", ("MDAB0",))
    sizes = {"train": 16, "train_all_speakers": 24, "dev": 16, "core": 8}
    row = registry.DATASETS["timit"]
    monkeypatch.setitem(registry.DATASETS, "timit", dataclasses.replace(row, sizes=sizes))

    def make(name="corpus", **how):
        speakers = {"TRAIN": ["FCJF0", "MSAT1", "MDPK0"], "TEST": ["FAKS0", "MGWT0", "MDAB0", "FNMR0"]}
        sounds.timit(tmp_path / name, speakers, **how)
        return tmp_path / name

    return make


def load(folder, drop_sa="substring"):
    return speech.load("timit", None, {"timit": str(folder)}, drop_sa=drop_sa)


@pytest.mark.parametrize(("lower", "riff"), [(False, False), (True, False), (False, True), (True, True)])
def test_the_folder_is_read_in_upper_and_lower_case_from_sphere_and_riff(small, sounds, lower, riff):
    folder = small(lower=lower, riff=riff)
    corpus = load(folder)
    assert [len(corpus.splits[split]) for split in SPEECH_SPLITS] == [16, 16, 8]
    assert corpus.splits["core"][0] == "TEST/DR3/MDAB0/SI203"
    assert np.array_equal(corpus.read("TRAIN/DR1/FCJF0/SX501"), sounds.noise("FCJF0SX501", 700 + 97 * 5))
    assert corpus.rate == 16_000


def test_the_corpus_may_lie_deeper_in_the_named_folder(small, tmp_path):
    small("disc/timit/timit")
    assert load(tmp_path / "disc").splits == load(tmp_path / "disc" / "timit" / "timit").splits


def test_where_both_forms_lie_side_by_side_an_utterance_counts_once(small):
    folder = small()
    small(riff=True)
    assert load(folder).splits == load(small("other")).splits


def test_sa_sentences_are_dropped_and_by_the_literatures_test_whole_speakers(small):
    folder = small()
    literature, sentences = load(folder).splits["train"], load(folder, "sentences").splits["train"]
    assert {name.split("/")[2] for name in literature} == {"FCJF0", "MDPK0"}
    assert {name.split("/")[2] for name in sentences} == {"FCJF0", "MDPK0", "MSAT1"}
    assert not [name for name in sentences if name.split("/")[3].startswith("SA")]
    with pytest.raises(Fault, match="timit: unknown drop_sa 'sentence'; did you mean 'sentences'"):
        load(folder, "sentence")


def test_splits_are_padded_to_the_longest_of_their_side_without_sa_sentences(small):
    longest = 700 + 97 * 9
    assert load(small()).longest == {"train": longest + 26, "dev": longest + 39, "core": longest + 39}


def test_the_published_lists_of_speakers_have_their_sizes_and_no_speaker_twice():
    assert (len(set(timit.DEV)), len(timit.DEV)) == (50, 50)
    assert (len(set(timit.CORE)), len(timit.CORE)) == (24, 24)
    assert not set(timit.DEV) & set(timit.CORE)
    assert sum(name.startswith("F") for name in timit.CORE) == 8
    assert not [
        name for name in timit.DEV + timit.CORE if "SA" in name
    ]  # the literature's test drops none of these


def test_a_complete_corpus_has_the_counts_of_the_literature(tmp_path, sounds):
    assert len(set(PLAIN) | set(WITH_SA)) == 462
    sounds.timit(tmp_path, {"TRAIN": PLAIN + WITH_SA, "TEST": [*timit.DEV, *timit.CORE]}, same=b"")
    assert [len(load(tmp_path).splits[split]) for split in SPEECH_SPLITS] == [3640, 400, 192]
    assert len(load(tmp_path, "sentences").splits["train"]) == 3696


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: None, "TIMIT .* is licensed and not here: put its folder under `corpora: {timit: …}`"),
        (lambda f: f / "nowhere", "nowhere: expected a folder, found none; correct `corpora"),
        (
            lambda f: f / "TRAIN" / "DR1",
            r"expected utterances such as TRAIN/DR1/FCJF0/SI1027.WAV in it, found none",
        ),
        (lambda f: f / "TRAIN", "expected 16 utterances of dev, found 0, no speaker FAKS0, MGWT0"),
    ],
)
def test_a_missing_corpus_is_a_fault_that_says_how_to_supply_it(small, spoil, said):
    folder = small()
    named = spoil(folder)
    if named == folder / "TRAIN":
        (folder / "TEST").rename(folder / "elsewhere")
        named = folder
    with pytest.raises(Fault, match=said):
        speech.load("timit", None, {"timit": str(named)} if named else {}, drop_sa="substring")


def test_missing_speakers_and_utterances_are_named_and_counted(small):
    folder = small()
    (folder / "TEST/DR2/MGWT0").rename(folder / "away")
    (folder / "TRAIN/DR1/FCJF0/SX501.WAV").unlink()
    with pytest.raises(
        Fault,
        match="16 utterances of train, found 15; expected 16 utterances of dev, found 8, no speaker MGWT0; name",
    ):
        load(folder)


def test_a_truncated_utterance_is_a_fault_that_names_its_file(small):
    folder = small()
    path = folder / "TEST/DR3/MDAB0/SI203.WAV"
    path.write_bytes(path.read_bytes()[:-11])
    with pytest.raises(Fault, match=r"MDAB0/SI203\.WAV: truncated: expected \d+ samples, found"):
        load(folder).read("TEST/DR3/MDAB0/SI203")


def test_the_digest_is_of_the_list_and_the_checksum_of_the_samples(small):
    folder = small()
    given = {"timit": str(folder)}
    found = {name: path.stat().st_size for name, path in timit.utterances(str(folder)).items()}
    lines = "".join(f"{name} {size}\n" for name, size in found.items())
    assert provenance.digest("timit", given) == {"utterances": hashlib.sha256(lines.encode()).hexdigest()}
    assert provenance.digest("timit", {"timit": str(small("riff", riff=True))}) != provenance.digest(
        "timit", given
    )
    sums = []
    for corpus in (load(folder), load(small("lower", lower=True, riff=True))):
        checksum = speech.Checksum()
        for name in corpus.splits["core"]:
            checksum.add(name, corpus.read(name))
        sums.append(str(checksum))
    assert sums[0] == sums[1]


def test_what_lacks_is_said_of_licensed_data_alone():
    assert "corpora: {timit: …}" in provenance.lacking("speech", {"corpus": "timit"}, {})
    assert provenance.lacking("speech", {"corpus": "timit"}, {"timit": "somewhere"}) == ""
    assert provenance.lacking("speech", {"corpus": "fsdd"}, {}) == ""
    assert provenance.lacking("copying", {}, {}) == ""
    with pytest.raises(Fault, match="licensed and not here"):
        provenance.digest("timit")
