"""Globs, and paths with wildcard characters in their names.

A path in a configuration is a pattern; the folder that it is relative to is not.
"""

import re
from collections.abc import Callable

SIGNS = "*?["
_SIGN = re.compile(r"[*?\[]")
_PROTOCOL = re.compile(r"(?:[\w.+-]+(?:::|://[^/]*::))*[\w.+-]+://")
_ESCAPED = re.compile(r"\[([*?\[])\]")


def escape(path: str) -> str:
    """A path or URL -> the pattern that matches it and nothing else.

    An http URL, in which `?` starts the query, is unchanged.
    """
    if path.startswith(("http://", "https://")):
        return path
    protocol, inner = split_protocol(path)
    return protocol + _SIGN.sub(r"[\g<0>]", inner)


def split_protocol(path: str) -> tuple[str, str]:
    """`s3://bucket/a` -> (`s3://`, `bucket/a`); a path has none."""
    found = _PROTOCOL.match(path)
    return (found[0], path[found.end() :]) if found else ("", path)


def unescape(pattern: str) -> str:
    """What `escape` made of a path -> the path.

    Of other patterns their escaped signs become plain, too: for messages.
    """
    return _ESCAPED.sub(r"\1", pattern)


def has_magic(pattern: str) -> bool:
    """Whether a pattern has a sign of a glob that is not escaped."""
    return bool(_SIGN.search(_ESCAPED.sub("", pattern)))


def split_pattern(pattern: str, is_there: Callable[[str], bool]) -> tuple[str, str]:
    """Splits a pattern into a literal path and the pattern of the rest.

    The rest is empty where the whole pattern is one path. A part with `[` or `?`, but no `*`, that
    is there as it is spelled (`is_there`, asked for the path up to it) is that name, no pattern.
    """
    parts = pattern.split("/")
    literal: list[str] = []
    for number, part in enumerate(parts):
        plain = unescape(part)
        if has_magic(part):
            plain = part
            if "*" in part or not is_there("/".join([*literal, part])):
                return "/".join(literal), "/".join(parts[number:])
        literal.append(plain)
    return "/".join(literal), ""
