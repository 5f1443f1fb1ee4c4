"""Resumable downloads over HTTP."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from rnnrepro.datasets.verify import BLOCK, writing
from rnnrepro.errors import Fault

Progress = Callable[[str, int, int], None]  # (file, bytes so far, bytes in all as far as is known)
ATTEMPTS = 4
TIMEOUT = 30.0  # seconds without a byte
PAUSE = 1.0  # seconds before the second attempt; doubles each time
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


class _Incomplete(Exception):
    """The connection ended before the file did."""


def download(
    url: str, part: Path, *, hosts: frozenset[str], mend: str, progress: Progress | None = None
) -> None:
    """Bring `part` to the full length that the server at `url` names, from where it stands.

    Failures that may pass are tried again, with growing pauses. Redirects are followed to HTTPS at `hosts`
    only. Raises Fault naming the address, what was expected, what was found, and `mend`.
    """
    opener = urllib.request.build_opener(_Redirects(hosts))
    last: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            _continue(opener, url, part, progress)
            return
        except urllib.error.HTTPError as error:
            last = error
            if error.code not in TRANSIENT:
                break
        except (urllib.error.URLError, http.client.HTTPException, OSError, _Incomplete) as error:
            last = error
    raise Fault(f"{url}: expected the file, found {_reason(last)}; {mend}") from last


def _continue(opener: urllib.request.OpenerDirector, url: str, part: Path, progress: Progress | None) -> None:
    start = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "rnnrepro", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        response = opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if error.headers.get("Content-Range") == f"bytes */{start}":
            return  # there is nothing after what we have
        part.unlink()
        raise _Incomplete(f"the server does not continue at byte {start:,}") from error
    with response:
        start, total = _place(response, start)
        _append(response, part, start, total, progress)


def _place(response: http.client.HTTPResponse, start: int) -> tuple[int, int | None]:
    """(where the body begins, length of the whole file if known)."""
    span, _, whole = response.headers.get("Content-Range", "").partition("/")
    if response.status == http.client.PARTIAL_CONTENT and span.startswith(f"bytes {start}-"):
        return start, int(whole) if whole.isdigit() else None
    if response.status == http.client.PARTIAL_CONTENT:
        raise _Incomplete(f"asked for bytes from {start:,}, the server sent {span or 'others'}")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _append(
    response: http.client.HTTPResponse, part: Path, start: int, total: int | None, progress: Progress | None
) -> None:
    done = start
    with writing(part):
        out = open(part, "ab" if start else "wb")  # noqa: SIM115  closed below; network errors are no disk errors
    with out:
        while chunk := response.read(BLOCK):
            with writing(part):
                out.write(chunk)
                out.flush()
            done += len(chunk)
            if progress:
                progress(part.stem, done, done if total is None else total)
    if total is not None and done < total:
        raise _Incomplete(f"expected {total:,} bytes, found {done:,}")


def _reason(error: Exception | None) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code} ({error.reason})"
    if isinstance(error, _Incomplete):
        return f"it truncated ({error})"
    return f"no connection ({getattr(error, 'reason', None) or error})"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to HTTPS at a declared host, and refuses any other."""

    def __init__(self, hosts: frozenset[str]) -> None:
        self.hosts = hosts

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """See the base class. Raises Fault for a target that is not declared."""
        target = urlsplit(newurl)
        if target.scheme != "https" or target.hostname not in self.hosts:
            expected = ", ".join(sorted(self.hosts)) or "no redirect"
            raise Fault(
                f"{req.full_url}: expected https at {expected}, found a redirect to {newurl}; not followed"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
