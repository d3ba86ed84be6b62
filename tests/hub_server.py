"""A local double of the Hugging Face Hub: the answers that its file system asks for, for datasets held in memory."""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """`files`: {dataset: {revision: {path: bytes}}}. `gated`: datasets whose files need a token. `failing`: answers 503 to reads."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, dict[str, bytes]]] = {}
        self.gated: set[str] = set()
        self.failing = False
        self.requests: list[str] = []
        self.endpoint = ""


@contextmanager
def serve_hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.requests.append(f"{self.command} {path}")
            if found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
                self._info(*found.groups())
            elif found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/tree/([^/]+)/?(.*)", path):
                self._tree(*found.groups())
            elif found := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                self._file(*found.groups())
            else:
                self._answer(404, b"{}")

        do_HEAD = do_GET

        def _revision(self, name: str, revision: str | None) -> dict[str, bytes] | None:
            if name not in hub.files:
                self._answer(
                    401,
                    b'{"error": "Invalid username or password."}',
                    {"X-Error-Code": "RepoNotFound"},
                )
                return None
            if (revision or "main") not in hub.files[name]:
                self._answer(
                    404, b'{"error": "Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"}
                )
                return None
            return hub.files[name][revision or "main"]

        def _info(self, name: str, revision: str | None) -> None:
            files = self._revision(name, revision)
            if files is not None:
                siblings = [{"rfilename": path} for path in files]
                self._json(
                    {
                        "id": name,
                        "_id": "1",
                        "sha": SHA,
                        "private": False,
                        "siblings": siblings,
                        "tags": [],
                        "downloads": 0,
                        "likes": 0,
                    }
                )

        def _tree(self, name: str, revision: str, folder: str) -> None:
            files = self._revision(name, revision)
            if files is None:
                return
            base = folder.rstrip("/") + "/" if folder else ""
            inside = {path: data for path, data in files.items() if path.startswith(base)}
            if not inside:
                self._answer(404, b'{"error": "no entry"}', {"X-Error-Code": "EntryNotFound"})
                return
            recursive = "recursive=true" in self.path.lower()
            folders = {
                base + part
                for path in inside
                for part in _folders(path.removeprefix(base), recursive=recursive)
            }
            entries = [
                {"type": "directory", "path": path, "oid": SHA, "size": 0}
                for path in sorted(folders)
            ]
            shown = [
                path for path in sorted(inside) if recursive or "/" not in path.removeprefix(base)
            ]
            self._json(
                [
                    *entries,
                    *(
                        {"type": "file", "path": path, "oid": SHA, "size": len(inside[path])}
                        for path in shown
                    ),
                ]
            )

        def _file(self, name: str, revision: str, path: str) -> None:
            if hub.failing:
                self._answer(503, b"busy")
                return
            if name in hub.gated:
                self._answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
                return
            files = self._revision(name, revision)
            if files is None:
                return
            data, status, headers = files[path], 200, {"ETag": f'"{SHA}"', "X-Repo-Commit": SHA}
            if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                first, last = int(found[1]), min(int(found[2] or len(data)), len(data) - 1)
                headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
                data, status = data[first : last + 1], 206
            self._answer(status, data, headers)

        def _json(self, value: object) -> None:
            self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _folders(path: str, *, recursive: bool) -> list[str]:
    parts = path.split("/")[:-1]
    return [
        "/".join(parts[: number + 1])
        for number in range(len(parts) if recursive else min(1, len(parts)))
    ]
