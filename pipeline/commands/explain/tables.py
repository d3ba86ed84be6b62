"""What `tokenmill explain` says, as lines for a terminal."""

import json
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markup import escape

from pipeline.commands.explain.explained import (
    ExplainedDocument,
    ExplainedReject,
    ExplainedRow,
    ExplainedShardRow,
    Explanation,
    InNoShard,
    Placement,
)
from pipeline.commands.explain.outcomes import OtherText, ReadAgainOutcome
from pipeline.commands.explain.segments import Segment
from pipeline.commands.explain.verdicts import (
    DedupVerdict,
    Dropped,
    DuplicateGroup,
    Keeper,
    Kept,
    KnownBy,
    Verdict,
)
from pipeline.terminal import shown_path

_SHOWN = 160
_TITLE = 90
_LABEL = 12
_LISTED_ROWS = 12
BEGIN, END, CUT, SHORTENED = "⟦", "⟧", "…", " [···] "
_EXTENTS = {
    (True, True): "whole",
    (True, False): "from its beginning, cut",
    (False, True): "to its end",
    (False, False): "from its middle",
}
"""By whether a document begins and ends in a segment."""

Line = tuple[str, str]
"""A label, which may be empty, and what stands beside it."""


def print_explanation(console: Console, explanation: Explanation) -> None:
    """Prints a row of a shard with its documents, or what became of documents and rejects."""
    if isinstance(explanation, ExplainedShardRow):
        _print_row(console, explanation)
        return
    for number, row in enumerate(explanation.found):
        if number:
            console.print()
        _print_lines(
            console,
            _reject_lines(row) if isinstance(row, ExplainedReject) else _document_lines(row),
        )
    if explanation.is_empty:
        asked = escape(str(explanation.asked))
        console.print(
            f"no document and no reject of {escape(shown_path(explanation.path))} has {asked}"
        )
        _print_lines(console, (("near", url) for url in explanation.near or ()))


def marked_text(segment: Segment, *, shown: int | None = None) -> str:
    """A segment's text with its boundaries marked, line ends as ⏎.

    ⟦: its document begins, ⟧: it ends, …: it continues in another row.
    `shown`: at most so many characters of the beginning and of the end.
    """
    text = (segment.text or "").replace("\n", "⏎")
    if shown is not None and len(text) > 2 * shown:
        text = text[:shown] + SHORTENED + text[-shown:]
    return f"{BEGIN if segment.begins else CUT}{text}{END if segment.ends else CUT}"


def _print_row(console: Console, row: ExplainedShardRow) -> None:
    where = f"{shown_path(row.path)}:{row.row}"
    figures = f"{row.targets:,} tokens predicted ({row.bytes:,} bytes) of {row.sequence_length:,}"
    console.print(
        f"[bold]{escape(where)}[/]  {row.split} {escape(row.source)}, {figures}", soft_wrap=True
    )
    if row.note:
        console.print(row.note, markup=False, soft_wrap=True)
    for number, segment in enumerate(row.segments, 1):
        document = row.documents.get(segment.document)
        console.print(
            f"\n[bold]segment {number} of {len(row.segments)}[/]  {_place(segment, document)}",
            soft_wrap=True,
        )
        if segment.text is not None:
            console.print(f"  {marked_text(segment, shown=_SHOWN)}", markup=False, soft_wrap=True)
        if document:
            _print_lines(console, _document_lines(document))


def _place(segment: Segment, document: ExplainedDocument | None) -> str:
    """Where a segment lies in its row, and which tokens of which document it holds."""
    first, last = segment.positions
    begin, end = segment.document_tokens
    of = (
        f" of {document.shards.tokens:,}"
        if document and isinstance(document.shards, Placement)
        else ""
    )
    extent = _EXTENTS[segment.begins, segment.ends]
    tokens = f"tokens {begin:,} to {end:,}{of} of document {segment.document}"
    return f"positions {first:,} to {last:,}: {tokens}, {extent}"


def _print_lines(console: Console, lines: Iterable[Line]) -> None:
    for label, text in lines:
        console.print(f"  {label:<{_LABEL}}{text}", markup=False, soft_wrap=True)


def _document_lines(document: ExplainedDocument) -> Iterator[Line]:
    yield "document", f"{document.document}  id {document.id}  {document.fate}"
    yield from _origin_lines(document)
    if document.title:
        yield "title", _shortened(document.title, _TITLE)
    if document.published:
        yield "published", document.published
    declared = f" (declared: {document.declared_language})" if document.declared_language else ""
    score = "" if document.language_score is None else f" {document.language_score:.3f}"
    yield "language", f"{document.language or 'unknown'}{score}{declared}"
    if document.truncated:
        yield "truncated", f"only a part of the original: {document.truncated}"
    for name, value in (document.kept or {}).items():
        yield "kept", f"{name} = {_shortened(json.dumps(value, ensure_ascii=False), _SHOWN)}"
    yield "filters", f"passed {', '.join(document.filters)}" if document.filters else "none"
    yield from _signal_lines(document.signals)
    yield "text", f"{document.characters:,} characters: {_shortened(document.excerpt, _SHOWN)}"
    if document.dedup:
        yield from _dedup_lines(document.dedup)
    yield from _shard_lines(document)
    if document.not_done:
        yield "not done yet", ", ".join(document.not_done)
    yield from _again_lines(document.read_again)


def _shard_lines(document: ExplainedDocument) -> Iterator[Line]:
    placement = document.shards
    if isinstance(placement, Placement):
        rows = placement.rows
        more = f", … ({len(rows):,} in all)" if len(rows) > _LISTED_ROWS else ""
        listed = ", ".join(f"{row:,}" for row in rows[:_LISTED_ROWS]) + more
        which = f"row{'s' if len(rows) > 1 else ''} {listed}"
        yield "shards", f"{placement.tokens:,} tokens in {placement.file}, {which}"
    elif isinstance(placement, InNoShard):
        yield "shards", "none, though it was kept: check the run with `tokenmill verify`"
    elif document.dedup and document.dedup.is_dropped:
        yield "shards", "none: it was dropped"


def _reject_lines(reject: ExplainedReject) -> Iterator[Line]:
    yield "rejected", f"id {reject.id}  ({reject.row})"
    yield from _origin_lines(reject)
    value = "" if reject.value is None else f": {reject.value:.6g}"
    threshold = "" if reject.threshold is None else f", threshold {reject.threshold:.6g}"
    yield "rule", f"{reject.rule}{value}{threshold}  (stage {reject.stage})"
    if reject.detail:
        yield "detail", reject.detail
    yield from _signal_lines(reject.signals)
    if reject.excerpt:
        yield "excerpt", reject.excerpt.replace("\n", "⏎")
    yield from _again_lines(reject.read_again)


def _origin_lines(row: ExplainedRow) -> Iterator[Line]:
    if row.url:
        yield "url", row.url
    yield "source", f"{row.source} ({row.source_kind})"
    file = row.input
    yield "file", f"{row.origin}  ({shown_path(file.path)}, {file.bytes:,} bytes, {file.state})"
    yield "locator", f"{row.locator}: {row.locator_meaning}"


def _signal_lines(signals: dict[str, float] | None) -> Iterator[Line]:
    if signals:
        yield "measured", "  ".join(f"{name} {value:.4g}" for name, value in signals.items())


def _dedup_lines(dedup: DedupVerdict) -> Iterator[Line]:
    if isinstance(dedup.verdict, Kept):
        yield "duplicates", "kept" if dedup.group else "kept; no duplicates"
    else:
        yield from _drop_lines(dedup.verdict)
    if dedup.group:
        yield from _group_lines(dedup.group)
    for line in dedup.lines:
        yield "line removed", f"{line.line}: {_shortened(line.text, _TITLE)}"
    for match in dedup.evaluation_texts:
        excerpt = _shortened(match.excerpt, _TITLE)
        yield "evaluation", f"shares {match.grams:,} n-grams with {match.set}: {excerpt}"


def _drop_lines(dropped: Dropped) -> Iterator[Line]:
    """Each drop of a chain: the document, the one in favour of which it was dropped, and so on."""
    label = "duplicates"
    verdict: Verdict | None = dropped
    while isinstance(verdict, Dropped):
        keeper = verdict.keeper
        rule = f"{verdict.rule}{_similarity(verdict.similarity)}"
        yield label, f"dropped by {rule}{_in_favour_of(verdict, keeper)}"
        if keeper and keeper.known_by:
            yield "", _known_by(keeper.known_by)
        label, verdict = "", keeper.then if keeper else None
    if verdict:
        yield "", "which is kept"


def _in_favour_of(verdict: Dropped, keeper: Keeper | None) -> str:
    """`other` is an earlier run, where it has a keeper, or an evaluation set."""
    if keeper:
        of = f" of {verdict.other}" if verdict.other else ""
        return f" in favour of {keeper.document or 'a document'}{of}"
    return f", matches {verdict.other}" if verdict.other else ""


def _group_lines(group: DuplicateGroup) -> Iterator[Line]:
    dropped = f"; {group.dropped:,} dropped in favour of this one" if group.dropped else ""
    yield "", f"a group of {group.documents:,} documents, {group.kept:,} of them kept{dropped}"
    for member in group.members:
        yield (
            "",
            f"- {member.document}{_similarity(member.similarity)}  {_known_by(member.known_by)}",
        )


def _similarity(similarity: float | None) -> str:
    return "" if similarity is None else f" (similarity {similarity:.4g})"


def _known_by(known_by: KnownBy) -> str:
    return "  ".join(
        [known_by.name, *([repr(_shortened(known_by.excerpt, _TITLE))] if known_by.excerpt else [])]
    )


def _again_lines(again: ReadAgainOutcome | None) -> Iterator[Line]:
    if again is None:
        return
    yield "read again", again.outcome.line
    if isinstance(again.outcome, OtherText):
        yield from (("", line) for line in again.outcome.diff.splitlines())
    yield from (("", f"note: {note}") for note in again.notes)


def _shortened(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
