"""A data set of two small files, a server that misbehaves on request, and the real mirror if there is one."""

import contextlib
import hashlib
import http.server
import io
import os
import tarfile
import threading
import time
from pathlib import Path

import pytest

from rnnrepro.datasets import download, registry
from rnnrepro.datasets.registry import Dataset, File

PLAIN = bytes(range(256)) * 1200
INSIDE = b"a member of an archive\n" * 2000


def packed(members):
    """A gzipped tar of {name: bytes or TarInfo}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            entry = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            body = b"" if isinstance(content, tarfile.TarInfo) else content
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def pinned(name, content, url, **more):
    """The row of a file with this content."""
    return File(name=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), url=url, **more)


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` with ranges; `script` holds what to do with the next requests instead."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.script, self.seen = {}, [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Range")))
        action, *value = self.server.script.pop(0) if self.server.script else ("serve",)
        getattr(self, action)(*value)

    def serve(self, content=None, *, most=None, ranges=True):
        content = self.server.files[self.path] if content is None else content
        asked = self.headers.get("Range") if ranges else None
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if start >= len(content) and asked:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][:most])

    def cut(self, most):
        self.serve(most=most)

    def whole(self):
        self.serve(ranges=False)

    def status(self, code, words=None):
        self.send_response(code, words)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def endless(self, code=200):
        self.send_response(code)
        self.send_header("Location", "https://other.example/")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(bytes(1 << 16))

    def dripping(self):
        self.send_response(200)
        self.end_headers()
        self.drip(b"x")

    def dripping_headers(self):
        self.drip(b"H")

    def drip(self, byte):
        with contextlib.suppress(OSError):
            for _ in range(2000):
                self.wfile.write(byte)
                time.sleep(0.05)

    def partial(self, span):
        self.send_response(206)
        self.send_header("Content-Range", span)
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"0123456789")

    def redirect(self, target):
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setattr(download, "TIMEOUT", 60.0)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "RNNREPRO_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def contents():
    """What the files of `toy` hold."""
    return {"plain.bin": PLAIN, "member.txt": INSIDE}


@pytest.fixture
def pack():
    """Makes a gzipped tar of {name: bytes or TarInfo}."""
    return packed


@pytest.fixture
def toy(server, monkeypatch):
    """The data set `toy`, whose upstream is `server`: plain.bin, and member.txt inside pack.tgz."""
    server.files = {
        "/plain.bin": PLAIN,
        "/pack.tgz": packed({"./pack/other": b"x", "./pack/member.txt": INSIDE}),
    }
    row = Dataset(
        holds="images",
        about="two toy files",
        licence="none",
        folder="toys",
        hosts=frozenset({"declared.example"}),
        files=(
            pinned("plain.bin", PLAIN, f"{server.url}/plain.bin"),
            pinned("member.txt", INSIDE, f"{server.url}/pack.tgz", member="pack/member.txt"),
        ),
    )
    monkeypatch.setitem(registry.DATASETS, "toy", row)
    return row


@pytest.fixture(scope="session")
def mirror():
    """The mirror folder with the real files; its tests are skipped where there is none."""
    named = os.environ.get("RNNREPRO_MIRROR")
    if not named:
        pytest.skip("the real files are looked for in RNNREPRO_MIRROR, which is not set")
    return Path(named)
