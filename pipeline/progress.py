"""What a person sees while a stage runs: on a terminal a bar with parts, bytes, rate and time left, elsewhere quiet lines.

Work shows as files that appear in the stage's folder, so progress costs the workers nothing and also counts what an
interrupted run had already committed.
"""

import contextlib
import posixpath
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from transforms import storage

POLL_SECONDS = 0.5
LINE_SECONDS = 30.0


class StageProgress:
    """Reports the stages of a run to a console."""

    def __init__(self, console: Console):
        self.console = console

    def skipped(self, name: str, summary: str) -> None:
        self.console.print(f"[bold]{name:<10}[/] done before ({summary})")

    def finished(self, name: str, seconds: float, summary: str, notes: Iterable[str] = ()) -> None:
        self.console.print(f"[bold]{name:<10}[/] {seconds:.1f} s: {summary}")
        for note in notes:
            self.console.print(f"  {note}", markup=False)

    @contextlib.contextmanager
    def stage(
        self, name: str, folder: str, sizes: dict[str, int], notes: Iterable[str] = ()
    ) -> Iterator[None]:
        """Shows a stage's progress until the block ends. `sizes`: the file that each unit commits to the folder -> bytes of its input."""
        for note in notes:
            self.console.print(f"  {note}", markup=False, soft_wrap=True)
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
            _watch(
                folder,
                sizes,
                stop,
                lambda parts, size: progress.update(
                    task, completed=size, parts=f"{parts}/{len(sizes)} parts"
                ),
            )

    def _lines(self, name: str, folder: str, sizes: dict[str, int], stop: threading.Event) -> None:
        started = last = time.monotonic()

        def line(parts: int, size: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= LINE_SECONDS:
                last = now
                rate = size / (now - started)
                left = f", {(sum(sizes.values()) - size) / rate:.0f} s left" if rate else ""
                self.console.print(
                    f"{name}: {parts} of {len(sizes)} parts, {size / 1e6:.1f} MB, {rate / 1e6:.2f} MB/s{left}"
                )

        _watch(folder, sizes, stop, line)


def _watch(
    folder: str, sizes: dict[str, int], stop: threading.Event, show: Callable[[int, int], None]
) -> None:
    places = {posixpath.dirname(name) for name in sizes}
    while not stop.wait(POLL_SECONDS):
        found = (
            posixpath.join(place, name)
            for place in places
            for name in storage.list_names(storage.join(folder, place))
        )
        done = [name for name in found if name in sizes]
        show(len(done), sum(sizes[name] for name in done))
