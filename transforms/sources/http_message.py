"""Parse an HTTP response of an archive into status, header fields and body, as browsers do.

Format: RFC 9112 (HTTP/1.1); RFC 9110 for fields. Archives also have bare line feeds, folded lines,
interim responses, heads without a status line, and bodies without the blank line before them.
"""

import re
from typing import NamedTuple

_STATUS_LINE = re.compile(
    rb"(?:HTTP|ICY|SPDY)\b(?:[ \t]*/[ \t]*[\d.]*)?(?:[ \t]+(\d{3})(?!\d))?[^\r\n]*(?:\r*\n|\r|$)",
    re.IGNORECASE,
)
_LINE = re.compile(rb"([^\r\n]*)(?:\r*\n|\r|$)")
_NAME = re.compile(rb"[ \t]*([^\x00-\x20:<>()\"\\/?={}\[\]@,;][^\x00-\x1f:<>]{0,199}?)[ \t]*:")
_ORIGINAL = "x-archive-orig-"
_BLANKS = b" \t\r\n"


class HttpMessage(NamedTuple):
    """The head of a response.

    `status` is None if the head has no number. `fields` maps names in lowercase to values.
    `body_at` is the offset of the body in the block. `has_status_line`: the message begins with
    one.
    """

    status: int | None
    fields: dict[str, list[str]]
    body_at: int
    has_status_line: bool

    def values(self, name: str) -> list[str]:
        """All values of a field, or those that an archive saved as `x-archive-orig-` field."""
        return self.fields.get(name) or self.fields.get(_ORIGINAL + name, [])

    def tokens(self, name: str) -> list[str]:
        """The elements of a list field in order, lowercase, without parameters and quotes."""
        parts = ",".join(self.fields.get(name, [])).lower().split(",")
        return [token for part in parts if (token := part.partition(";")[0].strip(" \t\"'"))]


def parse_response(block: bytes) -> HttpMessage:
    """Parse the final response in a block.

    Interim responses (1xx) and a proxy's answer to CONNECT before it are skipped.
    """
    at = len(block) - len(block.lstrip(b"\r\n"))
    while True:
        match = _STATUS_LINE.match(block, at)
        status = int(match[1]) if match and match[1] else None
        fields, body_at = _parse_fields(block, match.end() if match else at)
        is_interim = (
            match is not None
            and status is not None
            and (100 <= status < 200 or (status == 200 and not fields))
        )
        if (
            not is_interim
            or not _STATUS_LINE.match(block, body_at)
            or not block.startswith((b"HTTP/", b"http/"), body_at)
        ):
            break
        at = body_at
    if match is None:
        if fields and (digits := fields.get("status", [""])[0][:3]).isdigit():
            status = int(digits)
        elif not fields:
            body_at = at
    return HttpMessage(status, fields, body_at, match is not None)


def _parse_fields(block: bytes, at: int) -> tuple[dict[str, list[str]], int]:
    """Parse header fields from an offset on -> (fields, offset of the body)."""
    fields: dict[str, list[str]] = {}
    last: list[str] | None = None
    while at < len(block):
        line = _LINE.match(block, at)
        assert line is not None
        text = line[1]
        if not text:
            return fields, line.end()
        if text[:1] in (b" ", b"\t") and last is not None:
            last[-1] = f"{last[-1]} {text.strip().decode('latin-1')}".strip()
        elif name := _NAME.match(text):
            last = fields.setdefault(name[1].decode("latin-1").lower(), [])
            last.append(text[name.end() :].strip(_BLANKS).decode("latin-1"))
        elif text.lstrip().startswith(b"<") or not _continues(block, line.end()):
            # The blank line is missing.
            return fields, at
        at = line.end()
    return fields, len(block)


def _continues(block: bytes, at: int) -> bool:
    """Whether the head continues or ends behind a line that is not a field: a damaged field."""
    line = _LINE.match(block, at)
    return line is not None and (
        _NAME.match(line[1]) is not None or (not line[1] and at < len(block))
    )
