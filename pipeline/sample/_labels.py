"""What must become of each document of the sample: the rows of `labels.jsonl`."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Label:
    """The expected fate of one document or record.

    `key` is a URL (web), a file name (books), an id or `file:line` (news). `file` is relative to the laid-out folder;
    `position` the byte offset of a WARC record or of a line (decompressed), null for a book. `outcome` is kept, rejected or duplicate.
    Every member of a group of duplicates has the outcome `duplicate`, the rule that drops it and the whole group, itself
    included, in `duplicate_of`. Exactly one member stays: `keeper`, or any of them where that is null.
    """

    source: str
    key: str
    file: str
    position: int | None = None
    language: str | None = None
    outcome: str = "kept"
    rule: str | None = None
    duplicate_of: list[str] | None = None
    keeper: str | None = None
    note: str = ""


def mark_group(
    labels: Iterable[Label], *, group: str, keys: list[str], keeper: str | None
) -> list[Label]:
    """Labels -> the same labels, those of `keys` marked as one group of duplicates (`group`: exact or near)."""
    note = {
        "exact": "the same text: one of the group stays, whichever comes first by the policy",
        "near": "a small change: the longest of the group stays",
    }[group]

    def mark(label: Label) -> Label:
        return replace(
            label,
            outcome="duplicate",
            rule=f"dedup/{group}",
            duplicate_of=keys,
            keeper=keeper,
            note=note,
        )

    return [mark(label) if label.key in keys else label for label in labels]


def add_note(labels: Iterable[Label], *, keys: Iterable[str], note: str) -> list[Label]:
    """Labels -> the same labels with a note on those of `keys`."""
    wanted = set(keys)
    return [replace(label, note=note) if label.key in wanted else label for label in labels]


def write_labels(labels: Iterable[Label]) -> bytes:
    """Labels -> JSON Lines, UTF-8."""
    return "".join(
        json.dumps(asdict(label), ensure_ascii=False) + "\n" for label in labels
    ).encode()
