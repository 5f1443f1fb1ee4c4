"""The state folder of a run: nothing in it that is damaged, or another run's, is ever used; nothing is lost unsaid."""

from __future__ import annotations

import errno
import fcntl
import io
import os

import pytest
import torch

from rnnrepro import checksums, records
from rnnrepro.errors import Fault
from rnnrepro.training.store import RunStore

CONTENT = {
    "step": 3,
    "network": {"w": torch.ones(2)},
    "optimiser": {},
    "carried": [],
    "averages": {},
    "history": {},
    "seconds": 1.5,
}


@pytest.fixture
def store(tmp_path) -> RunStore:
    """A store with a checkpoint and a record."""
    found = RunStore(tmp_path, "0" * 16, "abc")
    found.save(CONTENT)
    records.write(found.record, records.rows([(1, "train", "mse", 0, 0.5)]), of("0" * 16))
    return found


def of(digest: str) -> dict[str, str]:
    return {"digest": digest, "fingerprint": "abc"}


def behind_a_checksum(store: RunStore, data: bytes) -> None:
    store.checkpoint.write_bytes(checksums.before(data))


def a_folder(store: RunStore) -> None:
    store.checkpoint.unlink()
    (store.checkpoint / "inner").mkdir(parents=True)


def without_its_weights(store: RunStore) -> None:
    store.save({name: value for name, value in CONTENT.items() if name != "network"})


def of_another_run(store: RunStore) -> None:
    other = RunStore(store.folder.parent, "1" * 16, "abc")
    other.save(CONTENT)
    other.checkpoint.replace(store.checkpoint)


def of_other_code(store: RunStore) -> None:
    other = RunStore(store.folder.parent, "0" * 16, "abd")
    other.save(CONTENT)
    other.checkpoint.replace(store.checkpoint)


DAMAGES = [
    lambda store: store.checkpoint.write_bytes(b""),
    lambda store: store.checkpoint.write_bytes(store.checkpoint.read_bytes()[:-1]),
    lambda store: store.checkpoint.write_bytes(bytes(32) + store.checkpoint.read_bytes()[32:]),
    lambda store: behind_a_checksum(store, b""),
    lambda store: behind_a_checksum(store, b"no archive of tensors"),
    a_folder,
    without_its_weights,
    of_another_run,
    of_other_code,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_checkpoint_of_no_use_is_said_and_set_aside(store, damage):
    for turn in ("checkpoint.damaged", "checkpoint.damaged2"):
        store.save(CONTENT)
        damage(store)
        said = []
        assert store.load(said.append) is None
        (text,) = said
        assert f"set aside as {turn}, the run starts again" in text and str(store.checkpoint) in text
        assert (store.folder / turn).exists() and not store.checkpoint.exists()
        assert store.load(said.append) is None and len(said) == 1


def test_an_earlier_checkpoint_that_does_not_name_its_run_is_used(store):
    buffer = io.BytesIO()
    torch.save(CONTENT, buffer)
    behind_a_checksum(store, buffer.getvalue())
    assert store.load(print)["step"] == 3


def test_what_cannot_be_set_aside_is_a_fault(store, monkeypatch):
    def refuse(*_arguments):
        raise OSError(30, "Read-only file system")

    store.checkpoint.write_bytes(b"")
    monkeypatch.setattr(type(store.checkpoint), "rename", refuse)
    with pytest.raises(
        Fault, match=r"cannot be set aside \(Read-only file system\): delete it and run again"
    ):
        store.load(print)


def test_a_checkpoint_that_the_disk_does_not_give_is_a_fault_and_stays(store, monkeypatch):
    def fails(*_arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(store.checkpoint), "read_bytes", fails)
    with pytest.raises(Fault, match="cannot be read"):
        store.load(print)
    assert store.checkpoint.exists()


def test_a_record_of_another_run_or_with_other_columns_is_set_aside(store):
    assert store.finished(print).provenance == of("0" * 16)
    said = []
    for table, provenance in (
        (records.rows([]), of("1" * 16)),
        (records.rows([]), {**of("0" * 16), "fingerprint": "abd"}),
        (records.SCHEMA.empty_table(), of("0" * 16)),
    ):
        records.write(store.record, table, provenance)
        assert store.finished(said.append) is None and not store.record.exists()
    assert len(said) == 3 and all("set aside" in text for text in said)
    assert len(list(store.folder.glob("record.damaged*"))) == 3


def test_what_a_killed_process_left_half_written_goes(store):
    (store.folder / ".checkpoint.abc.part").write_bytes(b"half")
    with store.locked(print):
        assert sorted(path.name for path in store.folder.iterdir()) == [
            "checkpoint",
            "lock",
            "record.parquet",
        ]


def test_a_file_system_without_locks_is_named_with_the_mend(store, monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(Fault) as fault, store.locked(print):
        raise AssertionError("it was held")
    assert str(fault.value) == (
        f"{store.folder.parent}: its file system keeps no locks (Function not implemented);"
        " name another folder with --state"
    )
    assert len(os.listdir("/dev/fd")) == before
