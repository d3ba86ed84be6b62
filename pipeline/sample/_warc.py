"""WARC 1.1 records written by hand, so that the same input gives the same bytes: no clock, no random id, no zlib."""

import base64
import hashlib
import uuid
from dataclasses import dataclass

from pipeline.sample._gzip import write_member

_REASONS = {200: "OK", 301: "Moved Permanently", 404: "Not Found"}


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a crawler got for a URL. `date` is ISO 8601 with a Z."""

    url: str
    date: str
    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: int = 200


def _digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def _record_id(kind: str, name: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {name}')}>"


def write_record(
    kind: str, name: str, date: str, content_type: str, block: bytes, **headers: str
) -> bytes:
    """One record as a gzip member of its own."""
    fields = {
        "WARC-Type": kind,
        "WARC-Record-ID": _record_id(kind, name),
        "WARC-Date": date,
        **{f"WARC-{key.replace('_', '-')}": value for key, value in headers.items()},
        "Content-Type": content_type,
        "WARC-Block-Digest": _digest(block),
        "Content-Length": str(len(block)),
    }
    head = "WARC/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in fields.items()) + "\r\n"
    return write_member(head.encode() + block + b"\r\n\r\n")


def write_warcinfo(filename: str, date: str) -> bytes:
    """The record that opens a file."""
    block = b"software: tokenmill embedded sample\r\nformat: WARC File Format 1.1\r\n"
    return write_record(
        "warcinfo", filename, date, "application/warc-fields", block, Filename=filename
    )


def write_exchange(response: Response) -> tuple[bytes, bytes]:
    """Request and response -> (request record, response record)."""
    host, _, path = response.url.removeprefix("https://").partition("/")
    asked = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: tokenmill-sample\r\nAccept: text/html\r\n\r\n".encode()
    headers = [
        f"HTTP/1.1 {response.status} {_REASONS[response.status]}",
        "Server: sample",
        f"Content-Type: {response.content_type}",
    ]
    if response.status == 301:
        headers.append(f"Location: {response.url}/")
    headers.append(f"Content-Length: {len(response.body)}")
    answered = ("\r\n".join(headers) + "\r\n\r\n").encode() + response.body
    request = write_record(
        "request",
        response.url,
        response.date,
        "application/http; msgtype=request",
        asked,
        Target_URI=response.url,
    )
    return request, write_record(
        "response",
        response.url,
        response.date,
        "application/http; msgtype=response",
        answered,
        Target_URI=response.url,
        Concurrent_To=_record_id("request", response.url),
        Payload_Digest=_digest(response.body),
    )


def write_file(filename: str, date: str, responses: list[Response]) -> tuple[bytes, dict[str, int]]:
    """Responses -> (bytes of the WARC file, URL -> byte offset of its response record)."""
    pieces = [write_warcinfo(filename, date)]
    size = len(pieces[0])
    offsets = {}
    for response in responses:
        request, answer = write_exchange(response)
        offsets[response.url] = size + len(request)
        size += len(request) + len(answer)
        pieces += [request, answer]
    return b"".join(pieces), offsets
