"""The spoken digits come from upstream's archive or from a mirror, and are split by the number of the recording."""

import dataclasses
import hashlib
import io
import tarfile

import numpy as np
import pytest

from rnnrepro.datasets import archives, audio, fsdd, registry, speech
from rnnrepro.datasets.fetch import fetch
from rnnrepro.errors import Fault

NAME = registry.DATASETS["fsdd"].files[0].name


def upstream(contents, extra=()):
    """An archive as upstream packs it: its own order and times, a folder of its own name, other files beside."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, content in [("README.md", b"hello"), *reversed(contents.items()), *extra]:
            entry = tarfile.TarInfo(f"free-spoken-digit-dataset-1.0.10/{name}")
            entry.size, entry.mtime, entry.uname = len(content), 1_600_000_000, "somebody"
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def recordings(sounds):
    return sounds.digits()


@pytest.fixture
def pinned(server, monkeypatch, tmp_path, recordings):
    """The data set with a few generated recordings; upstream is the test's server."""
    (tmp_path / "pack.tar.gz").write_bytes(upstream(recordings))
    whole = b"".join(archives.packed(tmp_path / "pack.tar.gz", "recordings/*.wav", 10**6))
    server.files["/v1.tar.gz"] = upstream(recordings)
    file = registry.File(
        name=NAME,
        bytes=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
        url=f"{server.url}/v1.tar.gz",
        members="recordings/*.wav",
    )
    row = dataclasses.replace(
        registry.DATASETS["fsdd"], files=(file,), sizes={"train": 8, "dev": 20, "core": 20}
    )
    monkeypatch.setitem(registry.DATASETS, "fsdd", row)
    return whole


def test_the_tar_is_the_same_however_upstream_packs_it(tmp_path, recordings):
    found = []
    for order in (recordings, dict(reversed(recordings.items()))):
        (tmp_path / "a").write_bytes(upstream(order))
        found.append(b"".join(archives.packed(tmp_path / "a", "recordings/*.wav", 10**6)))
    assert found[0] == found[1]
    with tarfile.open(fileobj=io.BytesIO(found[0])) as archive:
        entries = archive.getmembers()
        assert [entry.name for entry in entries] == sorted(recordings)
        assert {entry.name: archive.extractfile(entry).read() for entry in entries} == recordings
        assert {(e.mode, e.uid, e.gid, e.uname, e.mtime) for e in entries} == {
            (0o644, 0, 0, "", 1_577_836_800)
        }
    assert len(found[0]) % tarfile.RECORDSIZE == 0


def test_more_than_was_pinned_is_refused_before_it_is_read(tmp_path, recordings):
    (tmp_path / "a").write_bytes(upstream(recordings))
    with pytest.raises(Fault, match=r"expected at most 5,000 bytes of recordings/\*.wav, found more"):
        list(archives.packed(tmp_path / "a", "recordings/*.wav", 5000))
    with pytest.raises(Fault, match=r"expected members sounds/\*.wav, found none"):
        list(archives.packed(tmp_path / "a", "sounds/*.wav", 10**6))


def test_upstreams_archive_is_fetched_and_only_the_recordings_are_kept(pinned, server, tmp_path):
    (path,) = fetch("fsdd", tmp_path)
    assert path.read_bytes() == pinned
    assert [file.name for file in (tmp_path / "fsdd").iterdir() if file.name != ".lock"] == [NAME]


def test_a_recording_that_differs_from_the_pinned_one_is_refused(pinned, server, tmp_path, recordings):
    recordings["recordings/0_ann_0.wav"] = recordings["recordings/0_ann_0.wav"][:-2] + b"xx"
    server.files["/v1.tar.gz"] = upstream(recordings)
    with pytest.raises(Fault, match=f"{NAME} from .*: wrong checksum"):
        fetch("fsdd", tmp_path)


def test_splits_go_by_the_number_of_the_recording(pinned, tmp_path, recordings):
    fetch("fsdd", tmp_path)
    corpus = speech.load("fsdd", tmp_path, {}, drop_sa="substring")
    numbers = {s: {int(n.split("_")[2][:-4]) for n in names} for s, names in corpus.splits.items()}
    assert numbers == {"train": {10, 11}, "dev": set(range(5, 10)), "core": set(range(5))}
    name = corpus.splits["train"][3]
    assert np.array_equal(corpus.read(name), audio.parse(recordings[name], name, rate=8000))
    lengths = {s: max(len(corpus.read(n)) for n in names) for s, names in corpus.splits.items()}
    judged = max(lengths["dev"], lengths["core"])
    assert corpus.longest == {"train": lengths["train"], "dev": judged, "core": judged}


def test_part_of_a_split_is_spread_over_all_of_it():
    names = tuple("abcdefghij")
    assert speech.spread(names, None) == speech.spread(names, 99) == names
    assert speech.spread(names, 5) == tuple("acegi")
    assert speech.spread(names, 0) == ()


def test_the_real_digits_have_their_counts_and_lengths(mirror, tmp_path):
    fetch("fsdd", tmp_path, mirror=mirror)
    row, corpus = registry.DATASETS["fsdd"], fsdd.load(tmp_path)
    assert {split: len(names) for split, names in corpus.splits.items()} == row.sizes
    assert corpus.longest == row.longest
    for names in corpus.splits.values():
        assert len({tuple(name.split("_")[:2]) for name in names}) == 60  # ten digits of six speakers
    part = speech.spread(corpus.splits["train"], 240)
    assert len({tuple(name.split("_")[:2]) for name in part}) == 60
