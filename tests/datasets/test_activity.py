"""UCI HAR is read out of upstream's archive, its subset out of a tar, and neither trusts what is inside."""

import dataclasses
import hashlib
import io
import stat
import tarfile
import zipfile

import numpy as np
import pytest

from rnnrepro.datasets import activity, registry
from rnnrepro.datasets.fetch import fetch
from rnnrepro.datasets.registry import DATASETS
from rnnrepro.errors import Fault

SIZES, STEPS = {"train": 11, "test": 6}, 5
GYRO = "UCI HAR Dataset/train/Inertial Signals/body_gyro_y_train.txt"
LABELS = "UCI HAR Dataset/test/y_test.txt"


@pytest.fixture
def arrays(motion):
    return motion.arrays(SIZES, STEPS)


@pytest.fixture
def texts(motion, arrays):
    return motion.texts(arrays)


@pytest.fixture
def put(monkeypatch, tmp_path):
    """Puts an archive in place as the pinned file of a data set."""

    def place(name, content):
        file = dataclasses.replace(
            DATASETS[name].files[0], bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
        )
        row = dataclasses.replace(DATASETS[name], files=(file,), sizes=SIZES, steps=STEPS)
        monkeypatch.setitem(registry.DATASETS, name, row)
        (tmp_path / row.folder).mkdir(exist_ok=True)
        (tmp_path / row.folder / file.name).write_bytes(content)

    return place


def check(found, arrays):
    for split in ("train", "test"):
        signals, labels = arrays[split]
        read = getattr(found, split)
        assert read.dtype == np.float32
        assert np.array_equal(read, signals.astype(np.float32))
        assert getattr(found, f"{split}_activities").tolist() == (labels - 1).tolist()


@pytest.mark.parametrize("name", ["uci_har", "uci_har_subset"])
def test_signals_and_labels_are_those_that_were_written(name, put, motion, texts, arrays, tmp_path):
    put(name, (motion.zip if name == "uci_har" else motion.tar)(texts))
    check(activity.load(name, tmp_path), arrays)


def test_activities_and_signals_have_upstreams_order(motion):
    assert activity.CHANNELS == motion.SIGNALS
    assert [activity.ACTIVITIES.index(name) + 1 for name in ("walking", "sitting", "laying")] == [1, 4, 6]


def test_upstreams_archive_holds_another_that_alone_is_kept(put, motion, texts, arrays, server, tmp_path):
    inner = motion.zip(texts)
    put("uci_har", inner)
    row = DATASETS["uci_har"]
    (tmp_path / row.folder / row.files[0].name).unlink()
    server.files["/static/har.zip"] = motion.zip(
        {"UCI HAR Dataset.names": b"notes", "UCI HAR Dataset.zip": inner}
    )
    file = dataclasses.replace(row.files[0], url=f"{server.url}/static/har.zip")
    registry.DATASETS["uci_har"] = dataclasses.replace(row, files=(file,))  # `put` restores it
    (path,) = fetch("uci_har", tmp_path)
    assert path.read_bytes() == inner
    assert [f.name for f in path.parent.iterdir() if f.name != ".lock"] == ["UCI HAR Dataset.zip"]
    check(activity.load("uci_har", tmp_path), arrays)


def cut_lines(content):
    return b"".join(content.splitlines(keepends=True)[:-1])


@pytest.mark.parametrize(
    ("member", "change", "said"),
    [
        (GYRO, cut_lines, f"{GYRO}: expected 11 lines of 5 numbers, found 10 of 5"),
        (GYRO, lambda content: content[:-20], f"{GYRO}: expected lines of 5 numbers, found others"),
        (GYRO, lambda _: b" 1 2 3 4\n" * 11, "expected 11 lines of 5 numbers, found 11 of 4"),
        (GYRO, lambda _: b" \n", f"{GYRO}: expected 11 lines of 5 numbers, found nothing"),
        (GYRO, lambda _: b"1 2 3 4 x\n" * 11, "expected lines of 5 numbers, found others"),
        (GYRO, lambda _: b"1 2 3 4 #5\n" * 11, "expected lines of 5 numbers, found others"),
        (GYRO, lambda _: b"\xff\xfe\x00 2 3 4 5\n" * 11, "expected lines of 5 numbers, found others"),
        (GYRO, lambda _: b"1 2 nan 4 5\n" * 11, f"{GYRO}: expected finite numbers, found others"),
        (LABELS, cut_lines, f"{LABELS}: expected 6 lines of 1 numbers, found 5 of 1"),
        (LABELS, lambda _: b"1\n2\n3\n4\n5\n7\n", f"{LABELS}: expected activities from 1 to 6, found others"),
        (LABELS, lambda _: b"1\n2\n3\n4\n5\n0\n", "expected activities from 1 to 6"),
        (LABELS, lambda _: b"1\n2\n3\n4\n5\n1.5\n", "expected activities from 1 to 6"),
    ],
)
@pytest.mark.parametrize("name", ["uci_har", "uci_har_subset"])
def test_members_of_other_shapes_or_contents_are_faults(
    name, put, motion, texts, tmp_path, member, change, said
):
    changed = {**texts, member: change(texts[member])}
    put(name, (motion.zip if name == "uci_har" else motion.tar)(changed))
    with pytest.raises(Fault, match=said) as caught:
        activity.load(name, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_member_is_a_fault(put, motion, texts, tmp_path):
    del texts[GYRO]
    for name, pack in {"uci_har": motion.zip, "uci_har_subset": motion.tar}.items():
        put(name, pack(texts))
        with pytest.raises(Fault, match=f"expected a member {GYRO}, found none of that name"):
            activity.load(name, tmp_path)


@pytest.mark.parametrize("name", ["uci_har", "uci_har_subset"])
def test_a_truncated_archive_is_a_fault_whether_or_not_it_is_the_pinned_one(
    name, put, motion, texts, tmp_path
):
    whole = (motion.zip if name == "uci_har" else motion.tar)(texts)
    put(name, whole[: len(whole) // 2])
    with pytest.raises(Fault, match="found it damaged or truncated"):
        activity.load(name, tmp_path)
    put(name, whole)
    path = tmp_path / "uci_har" / DATASETS[name].files[0].name
    path.write_bytes(whole[:-1])
    with pytest.raises(Fault, match=f"truncated: expected .*; run `rnnrepro data fetch {name}`"):
        activity.load(name, tmp_path)


HOSTILE = ("../../escaped.txt", "/absolute.txt", "UCI HAR Dataset/../../escaped.txt")


@pytest.mark.parametrize("name", ["uci_har", "uci_har_subset"])
def test_hostile_names_are_never_written_nor_read(name, put, motion, texts, arrays, tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()
    contents = {**dict.fromkeys(HOSTILE, b"x"), **texts}
    put(name, (motion.zip if name == "uci_har" else motion.tar)(contents))
    before = sorted(tmp_path.rglob("*"))
    check(activity.load(name, tmp_path), arrays)
    assert sorted(tmp_path.rglob("*")) == before
    away = {path.replace("train", "../train") if path == GYRO else path: c for path, c in texts.items()}
    put(name, (motion.zip if name == "uci_har" else motion.tar)(away))
    with pytest.raises(Fault, match="found none of that name"):
        activity.load(name, tmp_path)


def test_a_link_in_the_place_of_a_member_is_a_fault(put, motion, texts, tmp_path):
    out = io.BytesIO(motion.tar({path: c for path, c in texts.items() if path != GYRO}))
    with tarfile.open(fileobj=out, mode="a") as archive:
        entry = tarfile.TarInfo(GYRO)
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    put("uci_har_subset", out.getvalue())
    linked = io.BytesIO(motion.zip({path: c for path, c in texts.items() if path != GYRO}))
    with zipfile.ZipFile(linked, "a") as archive:
        info = zipfile.ZipInfo(GYRO)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, b"/etc/passwd")
    put("uci_har", linked.getvalue())
    for name in ("uci_har", "uci_har_subset"):
        with pytest.raises(Fault, match="to be a regular file, found a link"):
            activity.load(name, tmp_path)


def test_the_subset_is_another_data_set_and_never_stands_in_by_itself(put, motion, texts, tmp_path):
    put("uci_har_subset", motion.tar(texts))
    with pytest.raises(Fault, match="found nothing; run `rnnrepro data fetch uci_har`"):
        activity.load("uci_har", tmp_path)
    with pytest.raises(Fault, match="unknown data set of activity 'mnist'; known: uci_har, uci_har_subset"):
        activity.load("mnist", tmp_path)
    files = [{f.name for f in DATASETS[name].files} for name in ("uci_har", "uci_har_subset")]
    assert not files[0] & files[1]


def test_the_real_subset_has_its_windows_activities_and_gravity(mirror, tmp_path):
    fetch("uci_har_subset", tmp_path, mirror=mirror)
    found = activity.load("uci_har_subset", tmp_path)
    assert found.train.shape == (2400, 128, 9) == (DATASETS["uci_har_subset"].sizes["train"], 128, 9)
    assert found.test.shape == (950, 128, 9) == (DATASETS["uci_har_subset"].sizes["test"], 128, 9)
    assert np.bincount(found.train_activities).tolist() == [400, 350, 322, 420, 449, 459]
    assert np.bincount(found.test_activities).tolist() == [160, 152, 135, 158, 172, 173]
    signals = {name: found.train[:, :, i] for i, name in enumerate(activity.CHANNELS)}
    total = np.sqrt(sum(signals[f"total_acc_{axis}"] ** 2 for axis in "xyz"))
    still = np.isin(found.train_activities, [3, 4, 5])
    assert abs(float(np.median(total)) - 1.0) < 0.03  # in g
    upright = signals["total_acc_x"].mean(1)
    laying = found.train_activities == activity.ACTIVITIES.index("laying")
    assert np.median(upright[~laying]) > 0.8 > 0.5 > np.median(upright[laying])
    turning = sum(signals[f"body_gyro_{axis}"].std(1) for axis in "xyz")
    assert np.median(turning[still]) < 0.2 * np.median(turning[~still])
