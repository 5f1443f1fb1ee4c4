"""Resumable downloads over HTTP, from declared hosts alone, never longer in bytes or time than was expected."""

from __future__ import annotations

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from rnnrepro.datasets.limits import Limits
from rnnrepro.datasets.verify import BLOCK, writing
from rnnrepro.errors import Fault

Progress = Callable[[str, int, int], None]  # (file, bytes so far, bytes in all as far as is known)
ATTEMPTS = 4
TIMEOUT = 30.0  # seconds without a byte
REDIRECTS = 5
PAUSE = 1.0  # seconds before the second attempt; doubles each time
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


class _Incomplete(Exception):
    """The connection ended before the file did."""


def download(
    url: str,
    part: Path,
    *,
    hosts: frozenset[str],
    mend: str,
    most: int,
    progress: Progress | None = None,
) -> None:
    """Bring `part` to the full length that the server at `url` names, at `most` so many bytes, from where it stands.

    Failures that may pass are tried again, with growing pauses. Redirects are followed to HTTPS at `hosts`
    only. Raises Fault naming the address, what was expected, what was found, and `mend`; and for more bytes than
    `most` and for a server that is so slow that it may never end.
    """
    limits = Limits(url, most)
    opener = urllib.request.build_opener(_Redirects(hosts), *limits.handlers())
    with limits.kept():
        last = _tried(opener, part, limits, progress)
    if last:
        raise Fault(f"{url}: expected the file, found {_reason(last)}; {mend}") from last


def _tried(
    opener: urllib.request.OpenerDirector, part: Path, limits: Limits, progress: Progress | None
) -> Exception | None:
    """Download, in several attempts if need be; the last failure, or None where it went well."""
    last: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        limits.check()
        try:
            _continue(opener, part, limits, progress)
            return None
        except urllib.error.HTTPError as error:
            last = error
            if error.code not in TRANSIENT:
                break
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError, _Incomplete) as error:
            last = error
    limits.check()
    return last


def _continue(
    opener: urllib.request.OpenerDirector, part: Path, limits: Limits, progress: Progress | None
) -> None:
    start = part.stat().st_size if part.exists() else 0
    if start > limits.most:
        part.unlink()
        start = 0
    headers = {"User-Agent": "rnnrepro", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        response = opener.open(urllib.request.Request(limits.url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if error.headers.get("Content-Range") == f"bytes */{start}":
            return  # there is nothing after what we have
        part.unlink()
        raise _Incomplete(f"the server does not continue at byte {start:,}") from error
    with response:
        start, total = _place(response, start)
        limits.check(total or 0)
        _append(response, part, start, total, limits, progress)


def _place(response: http.client.HTTPResponse, start: int) -> tuple[int, int | None]:
    """(where the body begins, length of the whole file if known)."""
    span, _, whole = response.headers.get("Content-Range", "").partition("/")
    if response.status == http.client.PARTIAL_CONTENT and span.startswith(f"bytes {start}-"):
        return start, _number(whole)
    if response.status == http.client.PARTIAL_CONTENT:
        raise _Incomplete(f"asked for bytes from {start:,}, the server sent {span or 'others'}")
    return 0, _number(response.headers.get("Content-Length", ""))


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


def _append(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    total: int | None,
    limits: Limits,
    progress: Progress | None,
) -> None:
    done = start
    with writing(part):
        # closed below, for network errors are no disk errors; never through a link that somebody has put there
        out = open(part, "ab" if start else "wb", opener=_no_link)  # noqa: SIM115
    with out:
        while chunk := response.read(BLOCK):
            done += len(chunk)
            limits.check(done)
            with writing(part):
                out.write(chunk)
                out.flush()
            if progress:
                progress(part.stem, done, done if total is None else total)
    if total is not None and done < total:
        raise _Incomplete(f"expected {total:,} bytes, found {done:,}")


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _reason(error: Exception | None) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code} ({_printable(str(error.reason))})"
    if isinstance(error, _Incomplete):
        return f"it truncated ({_printable(str(error))})"
    return f"no connection ({_printable(str(getattr(error, 'reason', None) or error))})"


def _printable(text: str) -> str:
    """Words of a server for a terminal and a log: no control characters, and not many."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to HTTPS at a declared host, and refuses any other."""

    max_redirections = REDIRECTS
    max_repeats = 1

    def __init__(self, hosts: frozenset[str]) -> None:
        self.hosts = hosts

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """See the base class. Raises Fault for a target that is not declared."""
        if not _declared(newurl, self.hosts):
            expected = ", ".join(sorted(self.hosts)) or "no redirect"
            raise Fault(
                f"{req.full_url}: expected https at {expected}, found a redirect to {_shown(newurl)}; not followed"
            )
        fp.close()  # the base class would read the answer to its end, however long it is
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _declared(url: str, hosts: frozenset[str]) -> bool:
    """Whether it is HTTPS at one of the hosts, at the usual port and without a user's name."""
    try:
        target = urlsplit(url)
        return target.scheme == "https" and target.netloc.lower().removesuffix(":443") in hosts
    except ValueError:
        return False


def _shown(url: str) -> str:
    """An address for a message: without a user's name, password, query and anything unprintable."""
    try:
        target = urlsplit(url)
        text = f"{target.scheme}://{target.netloc.rpartition('@')[2]}{target.path}"
    except ValueError:
        text = "what is no address"
    return _printable(text)
