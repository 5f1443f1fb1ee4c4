import time

import pytest

from rnnrepro.datasets import download as module
from rnnrepro.datasets import limits
from rnnrepro.datasets.download import download
from rnnrepro.errors import Fault

CONTENT = bytes(range(251)) * 4000


@pytest.fixture
def get(server, tmp_path):
    server.files["/file"] = CONTENT
    part = tmp_path / "file.part"

    def go(hosts=(), progress=None, most=1 << 24):
        download(
            f"{server.url}/file", part, hosts=frozenset(hosts), mend="mend it", most=most, progress=progress
        )
        return part.read_bytes()

    go.part = part
    return go


def test_a_file_arrives_whole_and_its_progress_is_told(get):
    told = []
    assert get(progress=lambda *seen: told.append(seen)) == CONTENT
    assert told[-1] == ("file", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_a_download_goes_on_where_it_stopped(get, server):
    get.part.write_bytes(CONTENT[:1000])
    assert get() == CONTENT
    assert server.seen == [("/file", "bytes=1000-")]


def test_a_connection_that_breaks_is_taken_up_again_at_the_last_byte(get, server):
    server.script = [("cut", 300_000), ("cut", 500_000)]
    assert get() == CONTENT
    assert [asked for _, asked in server.seen] == [None, "bytes=300000-", "bytes=800000-"]


def test_a_server_without_ranges_makes_it_start_again(get, server):
    get.part.write_bytes(b"something else")
    server.script = [("whole",)]
    assert get() == CONTENT


def test_a_complete_part_is_left_as_it_is(get, server):
    get.part.write_bytes(CONTENT)
    assert get() == CONTENT
    assert server.seen == [("/file", f"bytes={len(CONTENT)}-")]


def test_a_part_longer_than_the_file_is_dropped(get):
    get.part.write_bytes(CONTENT + b"more")
    assert get() == CONTENT


def test_passing_failures_of_the_server_are_tried_again(get, server):
    server.script = [("status", 503), ("status", 429)]
    assert get() == CONTENT


def test_a_missing_file_is_a_fault_at_once(get, server):
    server.script = [("status", 404)]
    with pytest.raises(Fault, match=r"/file: expected the file, found HTTP status 404 .*; mend it"):
        get()
    assert len(server.seen) == 1


def test_an_end_that_never_comes_is_a_fault_that_says_truncated(get, server):
    server.script = [("cut", 10)] * module.ATTEMPTS
    expected = rf"truncated \(expected {len(CONTENT):,} bytes, found 40\); mend it"
    with pytest.raises(Fault, match=expected):
        get()
    assert get.part.read_bytes() == CONTENT[:40]


def test_no_network_is_a_fault_that_names_the_address_and_the_mend(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(
        Fault, match=rf"{server.url}/file: expected the file, found no connection .*; mend it"
    ):
        download(f"{server.url}/file", tmp_path / "part", hosts=frozenset(), mend="mend it", most=9)


@pytest.mark.parametrize(
    "target",
    ["http://declared.example/file", "https://other.example/file", "file:///etc/passwd", "/elsewhere"],
)
def test_a_redirect_to_anything_but_https_at_a_declared_host_is_refused(get, server, target):
    server.script = [("redirect", target)]
    with pytest.raises(Fault, match=r"(?i)found .*redirect"):
        get(hosts=["declared.example"])
    assert len(server.seen) == 1


def test_a_redirect_to_https_at_a_declared_host_is_followed(get, server, monkeypatch):
    asked = []

    class Https(module.urllib.request.HTTPSHandler):
        def https_open(self, request):
            asked.append(request.full_url)
            return module.urllib.request.urlopen(f"{server.url}/file")

    build = module.urllib.request.build_opener
    monkeypatch.setattr(module.urllib.request, "build_opener", lambda *handlers: build(Https(), *handlers))
    server.script = [("redirect", "https://declared.example/there")]
    assert get(hosts=["declared.example"]) == CONTENT
    assert asked == ["https://declared.example/there"]


@pytest.mark.parametrize(
    "target",
    [
        "https://declared.example:8443/file",
        "https://user:word@declared.example/file",
        "https://declared.example@other.example/file",
        "https://declared.example.other.example/file",
        "https://127.0.0.1/file",
        "https://[::1]/file",
        "https://[/file",
        "ftp://declared.example/file",
        "//other.example/file",
    ],
)
def test_a_redirect_to_another_port_user_address_or_scheme_is_refused(get, server, target):
    server.script = [("redirect", target)] * module.ATTEMPTS
    with pytest.raises(Fault) as caught:
        get(hosts=["declared.example"])
    assert "word" not in str(caught.value)
    assert {path for path, _ in server.seen} == {"/file"}


def test_a_server_that_sends_more_than_is_expected_is_stopped(get, server):
    with pytest.raises(Fault, match=r"expected at most 5,000 bytes, found more; not kept"):
        get(most=5000)
    assert not get.part.exists()
    server.script = [("endless",)]
    with pytest.raises(Fault, match=r"expected at most 3,000,000 bytes, found more; not kept"):
        get(most=3_000_000)
    assert get.part.stat().st_size <= 3_000_000


@pytest.mark.parametrize("action", ["dripping", "dripping_headers"])
def test_a_server_that_drips_is_left_after_a_while(get, server, monkeypatch, action):
    monkeypatch.setattr(limits, "PATIENCE", 0.5)
    server.script = [(action,)] * module.ATTEMPTS
    began = time.monotonic()
    with pytest.raises(Fault, match=r"expected the file within 1 s, found a server that is slower"):
        get(most=1000)
    assert time.monotonic() - began < 60  # it would drip for 100 s


def test_a_redirect_with_an_endless_answer_is_refused_at_once(get, server):
    server.script = [("endless", 302)]
    with pytest.raises(Fault, match=r"found a redirect to https://other.example/; not followed"):
        get(hosts=["declared.example"])


@pytest.mark.parametrize(
    "lie", ["bytes 1000-1999/2000000000000", "bytes 1000-10/12", "bytes 1000-/\u00b2", "x"]
)
def test_a_lie_about_the_place_or_the_length_is_a_fault_or_found_by_the_checksum(get, server, lie):
    get.part.write_bytes(CONTENT[:1000])
    server.script = [("partial", lie)] * module.ATTEMPTS
    try:
        assert len(get()) < len(CONTENT)  # what is short never has the pinned checksum
    except Fault as fault:
        assert "expected" in str(fault)


def test_what_a_server_says_reaches_the_terminal_without_control_characters(get, server):
    server.script = [("status", 404, "no\x1b[2Jthing")]
    with pytest.raises(Fault, match=r"HTTP status 404 \(no\?\[2Jthing\)"):
        get()
