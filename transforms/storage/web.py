"""Files over http and https, read by one request until their end; temporary failures are retried.

Proxies and certificates are those of the environment (`https_proxy`, `SSL_CERT_FILE`).
"""

import email.utils
import errno
import http.client
import io
import os
import random
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple, TypeVar

from transforms.errors import UserError

ATTEMPTS = 6
FIRST_DELAY = 1.0  # seconds; doubles with every attempt
LONGEST_DELAY = 60.0
LONGEST_RETRY_AFTER = 300.0
TIMEOUT = 60.0  # seconds without a byte
BUFFER_BYTES = 1 << 18
_LONGEST_SKIP = 1 << 20  # bytes that are read and dropped rather than asked for by a new request
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_NO_SUCH_FILE = frozenset({404, 410})
_HEAD_REFUSED = frozenset({403, 405, 501})

Result = TypeVar("Result")
sleep = time.sleep  # tests put another in its place
_jitter = random.Random()  # not the shared generator, which a caller may have seeded


class RemoteFile(NamedTuple):
    """What a server says of a file; `version` is its ETag or its date."""

    size: int | None
    version: str


def is_http(path: str) -> bool:
    return path.startswith(("http://", "https://"))


def with_retries(
    action: Callable[[], Result], *, url: str, draw: Callable[[], float] = _jitter.random
) -> Result:
    """What an action returns, tried up to ATTEMPTS times while the server is busy or unreachable.

    Waits a random part of a delay that doubles (full jitter), but at least what `Retry-After` asks
    for. Raises FileNotFoundError, PermissionError or another OSError with an errno, at once for
    what a retry cannot fix.
    """
    for attempt in range(ATTEMPTS):
        try:
            return action()
        except Exception as error:
            asked = _asked_delay(error)
            if asked is None or attempt + 1 == ATTEMPTS:
                raised = _as_system_error(error, url, 1 if asked is None else ATTEMPTS)
                if raised is error:
                    raise
                raise raised from error
            sleep(
                max(
                    draw() * min(LONGEST_DELAY, FIRST_DELAY * 2**attempt),
                    min(asked, LONGEST_RETRY_AFTER),
                )
            )
    raise AssertionError("unreachable")


def remote_file(url: str) -> RemoteFile:
    """Size and version of a file. Raises FileNotFoundError, or another OSError with an errno."""
    return with_retries(lambda: _ask(url), url=url)


def open_url(url: str) -> BinaryIO:
    """A file as a stream that can seek.

    Errors are those of `with_retries`; UserError when the file changes meanwhile.
    """
    return io.BufferedReader(HttpStream(url), BUFFER_BYTES)


class HttpStream(io.RawIOBase):
    """Reads a URL on from where it stands.

    A request that breaks off is made again from the next byte.

    A server that knows no ranges is read from the start again, without the bytes that came before.
    """

    def __init__(self, url: str):
        self.name = url
        self._position = 0
        self._size: int | None = None
        self._version: str | None = None
        self._response: Any = None
        self._at = 0  # the byte that the response gives next

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            if self._size is None:
                self._size = remote_file(self.name).size
            if self._size is None:
                raise OSError(
                    errno.ESPIPE, "the server does not say how long the file is", self.name
                )
            offset += self._size
        elif whence == io.SEEK_CUR:
            offset += self._position
        if offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), self.name)
        self._position = offset
        return offset

    def readinto(self, buffer: Any) -> int:
        if not len(buffer) or (self._size is not None and self._position >= self._size):
            return 0
        return with_retries(lambda: self._read_some(memoryview(buffer)), url=self.name)

    def close(self) -> None:
        self._drop()
        super().close()

    def _read_some(self, buffer: memoryview) -> int:
        try:
            if self._response is not None and not 0 <= self._position - self._at <= _LONGEST_SKIP:
                self._drop()
            if self._response is None and not self._request():
                return 0
            while self._at < self._position:
                self._at += len(
                    skipped := self._response.read(min(self._position - self._at, BUFFER_BYTES))
                )
                if not skipped:
                    break
            size = self._response.readinto(buffer) if self._at == self._position else 0
            if not size and self._size is not None and self._position < self._size:
                raise http.client.IncompleteRead(b"", self._size - self._position)
        except BaseException:
            self._drop()
            raise
        self._position += size
        self._at = self._position
        return size

    def _request(self) -> bool:
        """Asks for the file from the position on; False if it ends there."""
        try:
            response = _send(
                self.name, headers={"Range": f"bytes={self._position}-"} if self._position else {}
            )
        except urllib.error.HTTPError as error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                error.close()
                if self._size is not None and self._position < self._size:
                    raise UserError(
                        "the file changed while it was read",
                        where=self.name,
                        remedy="run again when it is at rest",
                    ) from error
                return False
            raise
        self._response = response
        self._at = self._position if response.status == http.client.PARTIAL_CONTENT else 0
        seen = _described(response)
        if (self._version is not None and seen.version != self._version) or (
            None not in (self._size, seen.size) and seen.size != self._size
        ):
            raise UserError(
                "the file changed while it was read",
                where=self.name,
                remedy="run again when it is at rest",
            )
        self._version = seen.version
        self._size = seen.size if self._size is None else self._size
        return True

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
        self._response = None


def _send(url: str, *, method: str = "GET", headers: dict[str, str]) -> Any:
    headers = {"User-Agent": "tokenmill", "Accept-Encoding": "identity", **headers}
    url = urllib.parse.quote(url, safe="%/:=&?~#+!$,;'@()*[]")
    return urllib.request.urlopen(
        urllib.request.Request(url, method=method, headers=headers), timeout=TIMEOUT
    )


def _ask(url: str) -> RemoteFile:
    try:
        with _send(url, method="HEAD", headers={}) as response:
            found = _described(response)
        if found.size is not None:
            return found
    except urllib.error.HTTPError as error:
        if error.code not in _HEAD_REFUSED or error.headers.get("Retry-After"):
            raise
        error.close()
    with _send(url, headers={"Range": "bytes=0-0"}) as response:
        return _described(response)


def _described(response: Any) -> RemoteFile:
    """The whole file's size and version, by the headers of a response to any request for it."""
    headers = response.headers
    size = headers.get("Content-Length", "")
    if response.status == http.client.PARTIAL_CONTENT:
        size = headers.get("Content-Range", "").rpartition("/")[2]
    elif headers.get("Content-Encoding", "identity") != "identity":
        size = ""
    return RemoteFile(
        int(size) if size.isdecimal() else None,
        headers.get("ETag") or headers.get("Last-Modified") or "",
    )


def _asked_delay(error: Exception) -> float | None:
    """Seconds to wait before the next try, 0 if the server does not say.

    None if no retry will help.
    """
    status = (
        error.code if isinstance(error, urllib.error.HTTPError) else getattr(error, "status", None)
    )
    if isinstance(status, int):
        asked = (getattr(error, "headers", None) or {}).get("Retry-After")
        return (
            _seconds(asked)
            if status in _RETRIED or (status == http.client.FORBIDDEN and asked)
            else None
        )
    if type(error).__module__.partition(".")[0] == "aiohttp":  # of a listing, which fsspec asks for
        return 0.0
    if isinstance(error, urllib.error.URLError):
        error = (
            error.reason
            if isinstance(error.reason, Exception)
            else OSError(errno.EIO, str(error.reason))
        )
    if isinstance(error, ssl.SSLCertVerificationError | http.client.InvalidURL):
        return None
    if isinstance(error, socket.gaierror):
        return 0.0 if error.errno == socket.EAI_AGAIN else None
    return (
        0.0
        if isinstance(
            error, ConnectionError | TimeoutError | http.client.HTTPException | ssl.SSLError
        )
        else None
    )


def _seconds(value: str | None) -> float:
    """`Retry-After` as seconds: a number or a date (RFC 9110, 10.2.3)."""
    value = (value or "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


def _as_system_error(error: Exception, url: str, attempts: int) -> Exception:
    """The error to raise, with an errno.

    So it stops the run, and is never taken for a property of the file.
    """
    times = f" ({attempts} attempts)" if attempts > 1 else ""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if error.code in _NO_SUCH_FILE:
            return FileNotFoundError(
                errno.ENOENT, f"the server answers {error.code} {error.reason}", url
            )
        kind = errno.EACCES if error.code in (401, 403, 407) else errno.EIO
        return OSError(kind, f"the server answers {error.code} {error.reason}{times}", url)
    if isinstance(error, urllib.error.URLError):
        return OSError(errno.EIO, f"{error.reason}{times}", url)
    if isinstance(error, TimeoutError):
        return OSError(errno.ETIMEDOUT, f"no answer for {TIMEOUT:.0f} seconds{times}", url)
    if isinstance(error, http.client.HTTPException | ConnectionError | ssl.SSLError) or type(
        error
    ).__module__.startswith("aiohttp"):
        return OSError(
            errno.EIO, f"the connection broke: {type(error).__name__}: {error}{times}", url
        )
    return error
