"""What a person sees while a stage runs: on a terminal a bar with parts, bytes, rate and time left, elsewhere quiet lines.

Work shows as files that appear in the stage's folder, so progress costs the workers nothing and also counts what an
interrupted run had already committed.
"""

import contextlib
import posixpath
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn, TransferSpeedColumn

from pipeline.run.folder import StagePlan
from pipeline.stages.dedup.report import notes
from pipeline.stages.tokenizer.tables import describe_origin
from transforms import storage
from transforms.contracts.manifest import Manifest
from transforms.contracts.names import PARTS, SIGNATURES, shard_name

POLL_SECONDS = 0.5
LINE_SECONDS = 30.0


def committed_name(stage: str, number: int, unit: dict[str, Any]) -> str:
    """The file whose presence says that a unit is done."""
    if stage == "documents":
        return PARTS.name(number)
    if stage == "dedup":
        return SIGNATURES.name(unit["part"])
    if stage == "export":
        return unit["files"][0]
    return shard_name("validation", unit["source"], unit["index"], unit["of"])


class StageProgress:
    """Reports the stages of a run to a console."""

    def __init__(self, console: Console):
        self.console = console

    def skipped(self, name: str, manifest: Manifest) -> None:
        self.console.print(f"[bold]{name:<10}[/] done before ({describe(manifest)})")

    def finished(self, name: str, manifest: Manifest) -> None:
        self.console.print(f"[bold]{name:<10}[/] {manifest.seconds:.1f} s: {describe(manifest)}")
        for note in notes(manifest.counters) if name == "dedup" else ():
            self.console.print(f"  {note}", markup=False)

    @contextlib.contextmanager
    def stage(self, name: str, folder: str, plan: StagePlan) -> Iterator[None]:
        """Shows a stage's progress until the block ends."""
        for note in plan.notes:
            self.console.print(f"  {note}", markup=False, soft_wrap=True)
        sizes = {committed_name(name, number, unit): unit["bytes"] for number, unit in enumerate(plan.units)}
        stop = threading.Event()
        show = self._bar if self.console.is_terminal else self._lines
        watcher = threading.Thread(target=show, args=(name, folder, sizes, stop), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()

    def _bar(self, name: str, folder: str, sizes: dict[str, int], stop: threading.Event) -> None:
        columns = (
            TextColumn("[bold]{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.fields[parts]}"),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(name, total=sum(sizes.values()) or None, parts="")
            _watch(folder, sizes, stop, lambda parts, size: progress.update(task, completed=size, parts=f"{parts}/{len(sizes)} parts"))

    def _lines(self, name: str, folder: str, sizes: dict[str, int], stop: threading.Event) -> None:
        started = last = time.monotonic()

        def line(parts: int, size: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= LINE_SECONDS:
                last = now
                rate = size / (now - started)
                left = f", {(sum(sizes.values()) - size) / rate:.0f} s left" if rate else ""
                self.console.print(f"{name}: {parts} of {len(sizes)} parts, {size / 1e6:.1f} MB, {rate / 1e6:.2f} MB/s{left}")

        _watch(folder, sizes, stop, line)


def _watch(folder: str, sizes: dict[str, int], stop: threading.Event, show: Callable[[int, int], None]) -> None:
    places = {posixpath.dirname(name) for name in sizes}
    while not stop.wait(POLL_SECONDS):
        found = (posixpath.join(place, name) for place in places for name in storage.list_names(storage.join(folder, place)))
        done = [name for name in found if name in sizes]
        show(len(done), sum(sizes[name] for name in done))


def _passed_over(counters: dict[str, Any], read: int) -> str:
    """Which records there were where none is of a type that holds documents."""
    types = passed_over(counters["sources"])
    if read or not types:
        return ""
    return f"; passed over by type: {', '.join(f'{name} {number:,}' for name, number in types.items())}"


def passed_over(sources: dict[str, Any]) -> dict[str, int]:
    """Counters by source -> records passed over by type, the most first."""
    total: Counter[str] = Counter()
    for source in sources.values():
        total.update(source.get("passed_over", {}))
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def describe(manifest: Manifest) -> str:
    """One line about a finished stage."""
    counters = manifest.counters
    if manifest.stage == "documents":
        read, kept = (sum(source[key] for source in counters["sources"].values()) for key in ("read", "kept"))
        return f"{read:,} records read, {kept:,} documents kept, {read - kept:,} rejected" + _passed_over(counters, read)
    if manifest.stage == "dedup":
        return f"{counters['documents']:,} documents, {counters['dropped']:,} dropped as duplicates"
    if manifest.stage == "tokenizer":
        return describe_origin(counters)
    if manifest.stage == "export":
        documents, tokens = (sum(split.get(key, 0) for split in counters.values()) for key in ("documents", "tokens"))
        counted = f"{documents:,} documents" + (f", {tokens:,} tokens" if tokens else "")
        return f"{counted} as {manifest.configuration['format']} in {len(manifest.files)} files"
    totals = {
        split: {key: sum(source[key] for source in sources.values()) for key in ("rows", "targets", "positions")}
        for split, sources in counters.items()
    }
    used = sum(split["targets"] for split in totals.values()) / max(1, sum(split["positions"] for split in totals.values()))
    rows = ", ".join(f"{values['rows']:,} {split} rows" for split, values in totals.items())
    by = encoder_note(manifest.details)
    return f"{rows}, {sum(values['targets'] for values in totals.values()):,} tokens, utilisation {used:.1%}{by and f', {by}'}"


def encoder_note(details: dict[str, Any]) -> str:
    """Which library encoded, and why it was not the faster one; empty for shards that do not say."""
    encoder = details.get("encoder")
    if not encoder:
        return ""
    return f"encoded by {encoder['name']}" + (f" because {encoder['reason']}" if encoder["reason"] else "")
