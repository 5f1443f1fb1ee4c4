import errno
import lzma
import os
import re
import stat
import tarfile
import threading
import zipfile

import pytest

from rnnrepro.datasets import archives
from rnnrepro.datasets import fetch as module
from rnnrepro.datasets.fetch import fetch
from rnnrepro.datasets.registry import DATASETS, paths
from rnnrepro.datasets.verify import verified
from rnnrepro.errors import Fault


def left_behind(folder):
    """Names of the files that are neither data nor the lock."""
    kept = ("plain.bin", "member.txt", ".lock")
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name not in kept)


def check(folder, contents):
    found = verified("toy", folder)
    assert {name: path.read_bytes() for name, path in found.items()} == contents
    assert left_behind(folder) == []


@pytest.fixture
def mirrored(tmp_path, contents):
    """A mirror that holds both files as they are."""
    place = tmp_path / "mirror" / "toys"
    place.mkdir(parents=True)
    for name, content in contents.items():
        (place / name).write_bytes(content)
    return place.parent


def test_files_come_from_upstream_plain_or_out_of_an_archive(toy, tmp_path, contents, server):
    assert fetch("toy", tmp_path) == [tmp_path / "toys" / "plain.bin", tmp_path / "toys" / "member.txt"]
    check(tmp_path, contents)
    asked = len(server.seen)
    fetch("toy", tmp_path)
    assert len(server.seen) == asked


def test_the_mirror_comes_before_upstream(toy, tmp_path, contents, server, mirrored):
    fetch("toy", tmp_path / "data", mirror=mirrored)
    check(tmp_path / "data", contents)
    assert server.seen == []


def test_the_mirror_is_also_named_by_the_environment(toy, tmp_path, contents, server, mirrored, monkeypatch):
    monkeypatch.setenv(module.MIRROR, str(mirrored))
    fetch("toy", tmp_path / "data")
    check(tmp_path / "data", contents)
    assert server.seen == []


def test_a_mirror_may_hold_xz_files_or_the_upstream_archive(toy, tmp_path, contents, server, mirrored, pack):
    (mirrored / "toys" / "plain.bin").unlink()
    (mirrored / "toys" / "member.txt").unlink()
    (mirrored / "toys" / "plain.bin.xz").write_bytes(lzma.compress(contents["plain.bin"]))
    (mirrored / "toys" / "pack.tgz").write_bytes(pack({"pack/member.txt": contents["member.txt"]}))
    fetch("toy", tmp_path / "data", mirror=mirrored)
    check(tmp_path / "data", contents)
    assert server.seen == []
    assert (mirrored / "toys" / "pack.tgz").exists()


def test_what_the_mirror_lacks_comes_from_upstream(toy, tmp_path, contents, server, mirrored):
    (mirrored / "toys" / "plain.bin").unlink()
    fetch("toy", tmp_path / "data", mirror=mirrored)
    check(tmp_path / "data", contents)
    assert [path for path, _ in server.seen] == ["/plain.bin"]


def test_a_mirror_that_is_not_there_is_a_fault(toy, tmp_path):
    with pytest.raises(Fault, match="expected a mirror folder, found none; correct or unset RNNREPRO_MIRROR"):
        fetch("toy", tmp_path, mirror=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda content: content[:-1] + b"?",
            "wrong checksum: expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}",
        ),
        (lambda content: content[:-1], "truncated: expected 307,200 bytes, found 307,199"),
        (lambda content: content + b"?", "too long: expected 307,200 bytes, found 307,201"),
    ],
)
def test_a_mirror_with_other_bytes_is_refused_and_not_passed_over(
    toy, tmp_path, mirrored, server, damage, said
):
    wrong = mirrored / "toys" / "plain.bin"
    wrong.write_bytes(damage(wrong.read_bytes()))
    with pytest.raises(Fault, match=rf"plain.bin from .*mirror/toys/plain.bin: {said}; get it elsewhere"):
        fetch("toy", tmp_path / "data", mirror=mirrored)
    assert not (tmp_path / "data" / "toys" / "plain.bin").exists()
    assert left_behind(tmp_path / "data") == []
    assert server.seen == []


@pytest.mark.parametrize("cut", [10, -10])
def test_a_damaged_xz_file_is_a_fault(toy, tmp_path, mirrored, contents, cut):
    (mirrored / "toys" / "plain.bin").unlink()
    (mirrored / "toys" / "plain.bin.xz").write_bytes(lzma.compress(contents["plain.bin"])[:cut])
    with pytest.raises(
        Fault, match=r"plain\.bin\.xz: expected a readable file, found it damaged or truncated"
    ):
        fetch("toy", tmp_path / "data", mirror=mirrored)
    assert left_behind(tmp_path / "data") == []


def test_other_bytes_from_upstream_are_refused_and_the_next_try_starts_anew(toy, tmp_path, contents, server):
    right = server.files["/plain.bin"]
    server.files["/plain.bin"] = right[:-1] + b"?"
    with pytest.raises(Fault, match=r"plain.bin from http://127.*: wrong checksum"):
        fetch("toy", tmp_path)
    assert left_behind(tmp_path) == []
    server.files["/plain.bin"] = right
    fetch("toy", tmp_path)
    check(tmp_path, contents)


def test_a_partial_file_is_continued_and_a_wrong_beginning_is_dropped(toy, tmp_path, contents, server):
    home = tmp_path / "toys"
    home.mkdir()
    (home / "plain.bin.part").write_bytes(contents["plain.bin"][:5000])
    fetch("toy", tmp_path)
    assert server.seen[0] == ("/plain.bin", "bytes=5000-")
    check(tmp_path, contents)
    (home / "plain.bin").unlink()
    (home / "plain.bin.part").write_bytes(b"?" * 5000)
    fetch("toy", tmp_path)
    check(tmp_path, contents)


def test_a_truncated_archive_from_upstream_is_a_fault_and_is_not_kept(toy, tmp_path, contents, server):
    whole = server.files["/pack.tgz"]
    server.files["/pack.tgz"] = whole[: len(whole) // 2]
    with pytest.raises(Fault, match=r"pack\.tgz: expected a readable file, found it damaged or truncated"):
        fetch("toy", tmp_path)
    assert left_behind(tmp_path) == []
    server.files["/pack.tgz"] = whole
    fetch("toy", tmp_path)
    check(tmp_path, contents)


def link(name, target):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"pack/member.txt": link("pack/member.txt", "/etc/passwd")}, "to be a regular file, found a link"),
        ({"pack/other.txt": b"x"}, "expected a member pack/member.txt, found none of that name"),
        ({"pack/member.txt": b"other bytes"}, "member.txt from .*truncated: expected 46,000 bytes, found 11"),
    ],
)
def test_a_member_that_is_missing_a_link_or_other_bytes_is_refused(
    toy, tmp_path, server, pack, members, said
):
    server.files["/pack.tgz"] = pack(members)
    with pytest.raises(Fault, match=said):
        fetch("toy", tmp_path)
    assert not (tmp_path / "toys" / "member.txt").exists()
    assert left_behind(tmp_path) == []


def test_nothing_outside_the_wanted_member_is_unpacked(toy, tmp_path, server, pack, contents):
    outside = {"../../escaped": b"x", "/absolute": b"x"}
    server.files["/pack.tgz"] = pack({**outside, "pack/member.txt": contents["member.txt"]})
    fetch("toy", tmp_path / "data")
    check(tmp_path / "data", contents)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data"]


def test_a_damaged_file_that_is_in_place_is_found_and_replaced(toy, tmp_path, contents):
    fetch("toy", tmp_path)
    target = tmp_path / "toys" / "plain.bin"
    target.write_bytes(target.read_bytes()[:-1] + b"?")
    with pytest.raises(
        Fault, match=r"plain.bin: wrong checksum: .*; run `rnnrepro data fetch toy`, which replaces it"
    ):
        verified("toy", tmp_path)
    fetch("toy", tmp_path)
    check(tmp_path, contents)


def test_missing_files_and_folders_are_faults_that_name_the_command(toy, tmp_path):
    with pytest.raises(
        Fault, match=r"plain.bin: expected 307,200 bytes .* found nothing; run `rnnrepro data"
    ):
        verified("toy", tmp_path)
    with pytest.raises(Fault, match="needs a data folder, and none is given; run `rnnrepro data fetch toy`"):
        verified("toy", None)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EROFS, "found a read-only one; make it writable"),
        (errno.ENOSPC, "found the disk full; make room"),
        (errno.EIO, "cannot be written"),
    ],
)
@pytest.mark.parametrize("through_mirror", [True, False])
def test_a_disk_that_takes_no_more_is_a_fault_and_leaves_no_half_file(
    toy, tmp_path, mirrored, monkeypatch, number, said, through_mirror
):
    def refuse(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(Fault, match=rf"data/toys/plain.bin: .*{said}"):
        fetch("toy", tmp_path / "data", mirror=mirrored if through_mirror else None)
    assert left_behind(tmp_path / "data") == []
    assert not (tmp_path / "data" / "toys" / "plain.bin").exists()


def test_a_folder_that_cannot_be_made_is_a_fault(toy, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Fault, match="cannot be written"):
        fetch("toy", tmp_path / "file")


def test_whole_files_are_used_without_writing_anything_as_in_a_read_only_folder(toy, tmp_path, server):
    fetch("toy", tmp_path)
    (tmp_path / "toys" / ".lock").unlink()
    asked = len(server.seen)
    fetch("toy", tmp_path)
    assert not (tmp_path / "toys" / ".lock").exists()
    assert len(server.seen) == asked


def test_two_fetches_at_once_download_each_file_once(toy, tmp_path, contents, server):
    both = [threading.Thread(target=fetch, args=("toy", tmp_path)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    check(tmp_path, contents)
    assert sorted(path for path, _ in server.seen) == ["/pack.tgz", "/plain.bin"]


def test_unknown_data_sets_are_faults_with_the_nearest_name(tmp_path):
    with pytest.raises(Fault, match="unknown data set 'mnits'; did you mean 'mnist'"):
        fetch("mnits", tmp_path)


def test_a_data_set_that_ships_with_a_dependency_needs_no_fetching(tmp_path):
    assert fetch("digits", tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


UPSTREAM_ALONE = {"enwik8", "uci_har"}  # no copy of them is kept beside the others
MIRROR_ALONE = {"uci_har_subset"}


@pytest.mark.parametrize("name", [n for n, row in DATASETS.items() if row.files and n not in UPSTREAM_ALONE])
def test_the_pinned_files_are_those_of_the_real_mirror(name, mirror, tmp_path):
    assert fetch(name, tmp_path, mirror=mirror) == paths(name, tmp_path)
    assert set(verified(name, tmp_path)) == {file.name for file in DATASETS[name].files}


def test_a_file_comes_out_of_a_zip_and_a_link_or_a_lack_of_it_is_a_fault(tmp_path):
    archive = tmp_path / "text.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("other", b"not this one")
        out.writestr("text", bytes(range(256)) * 9000)
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(link, b"text")
    assert b"".join(archives.member(archive, "text")) == bytes(range(256)) * 9000
    for name, said in {"link": "found a link", "none": "found none of that name"}.items():
        with pytest.raises(Fault, match=said):
            list(archives.member(archive, name))
    archive.write_bytes(archive.read_bytes()[:500])
    with pytest.raises(Fault, match="damaged or truncated"):
        list(archives.member(archive, "text"))


@pytest.mark.parametrize("name", [name for name, row in DATASETS.items() if row.files])
def test_upstream_is_https_but_where_there_is_nothing_else(name):
    for file in DATASETS[name].files:
        assert file.url.startswith("https://") or name == "ptb_char" or name in MIRROR_ALONE
        assert bool(file.url) == (name not in MIRROR_ALONE)
        assert len(file.sha256) == 64


@pytest.mark.parametrize("name", sorted(MIRROR_ALONE))
def test_what_no_upstream_has_needs_a_mirror_and_says_so(name, tmp_path, monkeypatch):
    monkeypatch.delenv(module.MIRROR, raising=False)
    file = DATASETS[name].files[0].name
    place = f"{DATASETS[name].folder}/{file}"
    said = f"{file}: no upstream has it; name a mirror folder that holds {place} (RNNREPRO_MIRROR)"
    for mirror in (None, tmp_path):  # a mirror without it is no help
        with pytest.raises(Fault, match=re.escape(said)):
            fetch(name, tmp_path / "data", mirror=mirror)
    assert left_behind(tmp_path / "data") == []


def test_a_link_in_the_place_of_a_file_to_be_is_not_written_through(toy, tmp_path, contents):
    home = tmp_path / "data" / "toys"
    home.mkdir(parents=True)
    (tmp_path / "precious").write_text("precious")
    (home / f".member.txt.{os.getpid()}.tmp").symlink_to(tmp_path / "precious")
    fetch("toy", tmp_path / "data")
    check(tmp_path / "data", contents)
    (home / "plain.bin").unlink()
    (home / "plain.bin.part").symlink_to(tmp_path / "precious")
    with pytest.raises(Fault, match=r"plain\.bin"):
        fetch("toy", tmp_path / "data")
    assert (tmp_path / "precious").read_text() == "precious"
