"""Short names of files and folders, for data and messages that shall not depend on where a run lies."""

import re
from collections.abc import Sequence

_EXTENSION = re.compile(r"(\.jsonl?|\.ndjson)?(\.gz|\.zst)?$")


def short_names(paths: Sequence[str]) -> list[str]:
    """The shortest ends of paths, in whole components and without extensions of JSON Lines, that tell them apart; a path once.

    Two paths that differ in their extensions only keep them.
    """
    plain = [_EXTENSION.sub("", path.rstrip("/")) for path in paths]
    parts = [path.split("/") for path in (plain if len(set(plain)) == len(plain) else [path.rstrip("/") for path in paths])]
    names = []
    for own in parts:
        depth = 1
        while depth < len(own) and sum(other[-depth:] == own[-depth:] for other in parts) > 1:
            depth += 1
        names.append("/".join(own[-depth:]))
    return names
