"""A small HTTP server over a folder, which can be told what shall go wrong: for tests on this machine."""

import contextlib
import hashlib
import http.server
import re
import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path

Fault = Callable[["Handler"], bool]
"""Does something to a request and says whether the answer is thereby given."""


class Server(http.server.ThreadingHTTPServer):
    """`faults`: what befalls the next requests, one each; `requests`: how many there were, by method and path."""

    daemon_threads = True

    def __init__(self, folder: Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.faults: deque[Fault] = deque()
        self.requests: Counter[tuple[str, str]] = Counter()
        self.ranges = True
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests[self.command, self.path] += 1
            fault = self.server.faults.popleft() if self.server.faults else None
        if fault is None or not fault(self):
            self.answer()

    do_HEAD = do_GET

    def answer(self, *, limit: int | None = None) -> None:
        """The file, or the part of it that is asked for; `limit` bytes of it at most, whatever the header says."""
        path = self.server.folder / self.path.lstrip("/")
        if path.is_dir():
            page = "".join(f'<a href="{each.name}">x</a>' for each in path.iterdir()).encode()
            self.reply(200, page, {"Content-Type": "text/html"})
            return
        if not path.is_file():
            self.reply(404)
            return
        data = path.read_bytes()
        headers = {"ETag": f'"{hashlib.md5(data).hexdigest()}"'}
        asked = (
            re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            if self.server.ranges
            else None
        )
        if asked is None:
            self.reply(200, data, headers, limit=limit)
            return
        first, last = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
        if first > last:
            self.reply(416, headers={"Content-Range": f"bytes */{len(data)}"})
            return
        self.reply(
            206,
            data[first : last + 1],
            {"Content-Range": f"bytes {first}-{last}/{len(data)}", **headers},
            limit=limit,
        )

    def reply(
        self,
        status: int,
        data: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        limit: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[:limit])

    def log_message(self, *_: object) -> None:
        pass


def status(code: int, **headers: str) -> Fault:
    """The server answers with a status; header names are written with `_` for `-`."""

    def fault(handler: Handler) -> bool:
        handler.reply(
            code, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        return True

    return fault


def cut_short(size: int) -> Fault:
    """The answer ends after some bytes of its body."""

    def fault(handler: Handler) -> bool:
        handler.answer(limit=size)
        return True

    return fault


def reset(handler: Handler) -> bool:
    """The connection is reset before an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    return True


def then_change(path: Path, data: bytes) -> Fault:
    """After half an answer the file is another."""

    def fault(handler: Handler) -> bool:
        handler.answer(limit=100_000)
        path.write_bytes(data)
        return True

    return fault


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
