"""How long a download may take and how large it may grow, whatever the server does."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

from rnnrepro.errors import Fault

SLOWEST = 10_000.0  # bytes a second: a download at that rate may still end, with PATIENCE besides
PATIENCE = 600.0  # seconds


class Limits:
    """Of one download from `url`: at `most` so many bytes, and an end in time."""

    def __init__(self, url: str, most: int) -> None:
        self.url, self.most = url, most
        self._seconds = PATIENCE + most / SLOWEST
        self._end = time.monotonic() + self._seconds
        self._lines: list[socket.socket] = []

    def check(self, found: int = 0) -> None:
        """Raise Fault for more bytes than are expected, and after the end of all patience."""
        if found > self.most:
            raise Fault(f"{self.url}: expected at most {self.most:,} bytes, found more; not kept")
        if time.monotonic() >= self._end:
            raise Fault(
                f"{self.url}: expected the file within {self._seconds:,.0f} s, found a server that is slower; "
                "try again later"
            )

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Within it, every connection of `handlers` is cut when the time is over.

        A server that sends a byte now and then, in its headers too, never lets a time limit of a single read pass.
        """
        timer = threading.Timer(self._seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            for line in self._lines:
                line.close()

    def _cut(self) -> None:
        for line in list(self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def handlers(self) -> list[urllib.request.BaseHandler]:
        """What opens HTTP and HTTPS addresses, with connections that can be cut."""
        plain, safe = self._watched(http.client.HTTPConnection), self._watched(http.client.HTTPSConnection)

        class Http(urllib.request.HTTPHandler):
            def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(plain, request)

        class Https(urllib.request.HTTPSHandler):
            def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(safe, request)

        return [Http(), Https()]

    def _watched(self, kind: type[http.client.HTTPConnection]) -> type[http.client.HTTPConnection]:
        lines, end, cut = self._lines, self._end, self._cut

        def opened(*where: Any) -> socket.socket:
            line = socket.create_connection(*where)
            # A second handle of the connection: TLS takes the first one over, and cutting either cuts both.
            lines.append(socket.socket(fileno=os.dup(line.fileno())))
            if time.monotonic() >= end:  # opened after the cut, which nothing else would make up for
                cut()
            return line

        class Watched(kind):  # type: ignore[misc, valid-type]
            def __init__(self, *where: Any, **how: Any) -> None:
                super().__init__(*where, **how)
                self._create_connection = opened

        return Watched
