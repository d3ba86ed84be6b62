"""Tables of a plan, for a terminal."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console

from pipeline.stages.dedup.tables import recall_section
from pipeline.terminal import Section, figures_table, print_sections, shown_path

_UNKNOWN = "?"


def print_plan(console: Console, values: dict[str, Any]) -> None:
    """Prints what a run would do and take."""
    console.print(f"[bold]plan of[/] {shown_path(values['path'])}", highlight=False)
    print_sections(console, _sections(values))


def _sections(values: dict[str, Any]) -> Iterator[Section]:
    stages = values["stages"]
    table = figures_table("stage", "state", "files", "input MB", "units", "workers", "seconds", "memory GB", "disk MB")
    for name, stage in stages.items():
        if stage["state"] in ("refused", "not reached"):
            table.add_row(name, stage["state"])
            continue
        took = stage.get("took", {})
        guessed = "" if took else "~"
        table.add_row(
            name,
            _state(stage),
            _count(stage.get("files")),
            _scaled(stage.get("input_bytes"), 1e6),
            _count(stage.get("units")) if stage.get("units") != 0 else "",
            "" if took else _count(stage.get("workers")),
            _scaled(took.get("seconds", stage.get("seconds")), 1, mark=guessed),
            "" if took else _scaled(stage.get("memory_bytes"), 1e9, digits=2, mark=guessed),
            _scaled(took.get("disk_bytes", stage.get("disk_bytes")), 1e6, mark=guessed),
        )
    table.columns[1].justify = "left"
    yield Section("stages", table)
    sources = figures_table("source", "kind", "files", "MB", "units")
    for name, source in values["sources"].items():
        sources.add_row(name, source["kind"], _count(source["files"]), _scaled(source["bytes"], 1e6), _count(source["units"]))
    yield Section("input", sources)
    if dedup := values["dedup"]:
        yield Section("deduplication: what is exchanged", "\n".join(_exchange(dedup)))
        yield recall_section(dedup["recall"])
    yield Section("what stops a run", "\n".join(_guards(values["guards"])))
    if any(stage["state"] in ("to do", "resumes") for stage in stages.values()):
        yield Section("in all, for what is left to do", _total(values["total"]))
    notes = [f"{name}: {note}" for name, stage in stages.items() for note in stage.get("notes", ())]
    if notes:
        yield Section("to be known", "\n".join(notes))


def _state(stage: dict[str, Any]) -> str:
    return f"resumes with {stage['units_done']} of {stage['units']} units" if stage["state"] == "resumes" else stage["state"]


def _exchange(dedup: dict[str, Any]) -> Iterator[str]:
    bands, exact = dedup["band_bytes_a_document"], dedup["exact_bytes_a_document"]
    yield f"{bands} bytes of bands and {exact} of exact hashes a document"
    limit = dedup["memory_limit_bytes"]
    if limit is not None:
        yield f"memory limit {limit / 1e9:.1f} GB"
    if dedup["documents"] is None:
        yield "ranges and passes are known when the documents are"
        return
    yield (
        f"{dedup['documents']:,} documents: {dedup['ranges']} hash ranges, {dedup['band_bytes'] / 1e6:,.1f} MB of bands in "
        f"{_passes(dedup['passes'])}, {dedup['exact_bytes'] / 1e6:,.1f} MB of exact hashes in {_passes(dedup['exact_passes'])}"
    )
    if dedup["star_rounds"]:
        yield f"{dedup['star_rounds']} rounds of star contraction before components are combined"


def _passes(number: int) -> str:
    return "1 pass" if number == 1 else f"{number} passes"


def _guards(guards: dict[str, Any]) -> Iterator[str]:
    for name, what in (("max_error_rate", "unreadable records"), ("dedup.max_drop_rate", "documents that go")):
        guard = guards[name]
        highest = guard["highest"]
        known = f"; highest: {highest['rate']:.2%} of source {highest['source']}" if highest else ""
        yield f"{name} = {guard['limit']}: the share of a source's {what}{known}"
    dropping = [*guards["screens"], *(["lines"] if guards["lines"] else [])]
    if dropping:
        yield f"also dropping: {', '.join(dropping)}"


def _total(total: dict[str, Any]) -> str:
    free = total["free_disk_bytes"]
    room = "" if free is None else f" of {free / 1e9:,.1f} GB that are free"
    text = (
        f"about {total['seconds']:,.0f} s ({total['core_seconds']:,.0f} s of one core), {total['memory_bytes'] / 1e9:.2f} GB of memory, "
        f"{total['disk_bytes'] / 1e6:,.1f} MB on disk{room}"
    )
    return f"{text}; more than that where the table says {_UNKNOWN}" if total["unknown"] else text


def _count(number: int | None) -> str:
    return _UNKNOWN if number is None else f"{number:,}"


def _scaled(value: float | None, unit: float, *, digits: int = 1, mark: str = "") -> str:
    return _UNKNOWN if value is None else f"{mark}{value / unit:,.{digits}f}"
