"""What `pipeline.commands.explain.explain` found, as lines for a terminal."""

import json
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.terminal import shown_path

_SHOWN = 160
_TITLE = 90
_LABEL = 12
BEGIN, END, CUT, SHORTENED = "⟦", "⟧", "…", " [···] "

Line = tuple[str, str]
"""A label, which may be empty, and what stands beside it."""


def print_explanation(console: Console, values: dict[str, Any]) -> None:
    """Prints a row of a shard with its documents, or what became of documents and rejects."""
    if values["kind"] == "row":
        _print_row(console, values)
        return
    for number, found in enumerate(values["found"]):
        if number:
            console.print()
        _print_lines(console, _reject_lines(found) if found["fate"] == "rejected" else _document_lines(found))
    if not values["found"]:
        console.print(f"no document and no reject of {escape(shown_path(values['path']))} has {escape(values['asked'])}")
        for near in values["near"]:
            _print_lines(console, [("near", near)])


def marked_text(segment: dict[str, Any], *, shown: int | None = None) -> str:
    """A stretch's text with ⟦ where its document begins, ⟧ where it ends, … where it goes on in another row; line ends as ⏎.

    With `shown`, at most so many characters of its beginning and of its end.
    """
    text = segment["text"].replace("\n", "⏎")
    if shown is not None and len(text) > 2 * shown:
        text = text[:shown] + SHORTENED + text[-shown:]
    return f"{BEGIN if segment['begins'] else CUT}{text}{END if segment['ends'] else CUT}"


def _print_row(console: Console, values: dict[str, Any]) -> None:
    where = f"{shown_path(values['path'])}:{values['row']}"
    figures = f"{values['targets']:,} tokens predicted ({values['bytes']:,} bytes) of {values['sequence_length']:,}"
    console.print(f"[bold]{escape(where)}[/]  {values['split']} {escape(values['source'])}, {figures}", soft_wrap=True)
    if values["note"]:
        console.print(values["note"], markup=False, soft_wrap=True)
    for number, segment in enumerate(values["segments"], 1):
        first, last = segment["positions"]
        begin, end = segment["document_tokens"]
        document = values["documents"].get(segment["document"])
        whole = document["shards"]["tokens"] if document and document.get("shards") else None
        of = f" of {whole:,}" if whole else ""
        heading = f"segment {number} of {len(values['segments'])}"
        stretch = f"positions {first:,} to {last:,}: tokens {begin:,} to {end:,}{of} of document {segment['document']}"
        console.print(f"\n[bold]{heading}[/]  {stretch}, {_extent(segment)}", soft_wrap=True)
        if segment["text"] is not None:
            console.print(f"  {marked_text(segment, shown=_SHOWN)}", markup=False, soft_wrap=True)
        if document:
            _print_lines(console, _document_lines(document))


def _extent(segment: dict[str, Any]) -> str:
    return {
        (True, True): "whole",
        (True, False): "from its beginning, cut",
        (False, True): "to its end",
        (False, False): "from its middle",
    }[segment["begins"], segment["ends"]]


def _print_lines(console: Console, lines: Iterator[Line] | list[Line]) -> None:
    for label, text in lines:
        console.print(f"  {label:<{_LABEL}}{text}", markup=False, soft_wrap=True)


def _document_lines(found: dict[str, Any]) -> Iterator[Line]:
    yield "document", f"{found['document']}  id {found['id']}  {found['fate']}"
    yield from _origin_lines(found)
    if found["title"]:
        yield "title", _shortened(found["title"], _TITLE)
    if found["published"]:
        yield "published", found["published"]
    declared = f" (it says of itself: {found['declared_language']})" if found["declared_language"] else ""
    score = "" if found["language_score"] is None else f" {found['language_score']:.3f}"
    yield "language", f"{found['language'] or 'unknown'}{score}{declared}"
    if found["truncated"]:
        yield "truncated", f"only a part of what there was: {found['truncated']}"
    for name, value in (found["kept"] or {}).items():
        yield "kept", f"{name} = {_shortened(json.dumps(value, ensure_ascii=False), _SHOWN)}"
    yield "filters", f"passed {', '.join(found['filters'])}" if found["filters"] else "none"
    yield from _signal_lines(found)
    yield "text", f"{found['characters']:,} characters: {_shortened(found['excerpt'], _SHOWN)}"
    if "dedup" in found:
        yield from _dedup_lines(found["dedup"])
    if placed := found.get("shards"):
        rows = placed["rows"]
        listed = ", ".join(f"{row:,}" for row in rows[:12]) + (f", … ({len(rows):,} in all)" if len(rows) > 12 else "")
        yield "shards", f"{placed['tokens']:,} tokens in {placed['file']}, row{'s' if len(rows) > 1 else ''} {listed}"
    elif found["fate"] == "dropped":
        yield "shards", "none: it was dropped"
    elif "shards" in found:
        yield "shards", "none, though it should be there: look into the run with `tokenmill verify`"
    if found["not_done"]:
        yield "not done yet", ", ".join(found["not_done"])
    yield from _again_lines(found)


def _reject_lines(found: dict[str, Any]) -> Iterator[Line]:
    yield "rejected", f"id {found['id']}  ({found['row']})"
    yield from _origin_lines(found)
    value = "" if found["value"] is None else f": {found['value']:.6g}"
    threshold = "" if found["threshold"] is None else f", threshold {found['threshold']:.6g}"
    yield "rule", f"{found['rule']}{value}{threshold}  (stage {found['stage']})"
    if found["detail"]:
        yield "detail", found["detail"]
    yield from _signal_lines(found)
    if found["excerpt"]:
        yield "excerpt", found["excerpt"].replace("\n", "⏎")
    yield from _again_lines(found)


def _origin_lines(found: dict[str, Any]) -> Iterator[Line]:
    if found["url"]:
        yield "url", found["url"]
    file = found["input"]
    yield "source", f"{found['source']} ({found['source_kind']})"
    yield "file", f"{found['origin']}  ({shown_path(file['path'])}, {file['bytes']:,} bytes, {file['state']})"
    yield "locator", f"{found['locator']}: {found['locator_meaning']}"


def _signal_lines(found: dict[str, Any]) -> Iterator[Line]:
    if signals := found.get("signals"):
        yield "measured", "  ".join(f"{name} {value:.4g}" for name, value in signals.items())


def _dedup_lines(verdict: dict[str, Any]) -> Iterator[Line]:
    label, step = "duplicates", verdict
    while step["verdict"] == "dropped":
        other = f" of {step['other']}" if step.get("other") else ""
        keeper = step.get("keeper")
        whom = f" for the sake of {keeper['document']}{other}" if keeper else other
        yield label, f"dropped by {step['rule']}{_similarity(step)}{whom}"
        if keeper and (known := _known_by(keeper)):
            yield "", known
        label, step = "", (keeper or {}).get("then", {"verdict": "kept"})
        if keeper and "then" in keeper and step["verdict"] == "kept":
            yield "", "which stays"
    group = verdict.get("group")
    if verdict["verdict"] == "kept":
        yield label, "kept" + ("" if group else "; it has none")
    if group:
        went = f"; {group['went_for_it']:,} went because of this one" if group["went_for_it"] else ""
        yield "", f"a group of {group['documents']:,} documents, of which {group['stay']:,} stay{went}"
        for one in group["went"]:
            yield "", f"- {one['document']}{_similarity(one)}  {_known_by(one)}"
    for line in verdict.get("lines", []):
        yield "line removed", f"{line['line']}: {_shortened(line['text'] or '', _TITLE)}"
    for match in verdict.get("evaluation_texts", []):
        yield "evaluation", f"shares {match['grams']:,} n-grams with {match['set']}: {_shortened(match['excerpt'], _TITLE)}"


def _similarity(entry: dict[str, Any]) -> str:
    return "" if entry.get("similarity") is None else f" (similarity {entry['similarity']:.4g})"


def _known_by(entry: dict[str, Any]) -> str:
    name = entry.get("url") or " ".join(entry[part] for part in ("source", "origin", "locator") if part in entry)
    return "  ".join(part for part in (name, repr(_shortened(entry["excerpt"], _TITLE)) if entry.get("excerpt") else "") if part)


def _again_lines(found: dict[str, Any]) -> Iterator[Line]:
    again = found.get("read_again")
    if again is None:
        return
    state = again["state"]
    if state == "equal":
        what = "equal: the same " + ("rule and value" if found["fate"] == "rejected" else f"{again['characters']:,} characters")
    elif state == "differs":
        reason = f"{again['rule']} {again['value']}" if found["fate"] == "rejected" else ", ".join(again.get("columns", ["the text"]))
        what = f"differs: {reason}"
    else:
        what = f"{state}: {again['why']}"
    yield "read again", what
    for line in again.get("diff", "").splitlines():
        yield "", line
    for note in again.get("notes", []):
        yield "", f"note: {note}"


def _shortened(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
