"""Short names of files and folders, for data and messages that do not depend on where a run is."""

import re
from collections.abc import Sequence

_EXTENSION = re.compile(r"(\.jsonl?|\.ndjson)?(\.gz|\.zst)?$")


def short_names(paths: Sequence[str]) -> list[str]:
    """The shortest ends of distinct paths that tell them apart, in whole components.

    Extensions of JSON Lines are left out, unless two paths differ in them alone.
    """
    plain = [_EXTENSION.sub("", path.rstrip("/")) for path in paths]
    parts = [
        path.split("/")
        for path in (
            plain if len(set(plain)) == len(plain) else [path.rstrip("/") for path in paths]
        )
    ]
    names = []
    for components in parts:
        depth = 1
        while (
            depth < len(components)
            and sum(other[-depth:] == components[-depth:] for other in parts) > 1
        ):
            depth += 1
        names.append("/".join(components[-depth:]))
    return names
