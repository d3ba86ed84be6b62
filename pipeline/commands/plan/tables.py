"""Tables of a plan, for a terminal."""

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table

from pipeline.commands.plan.planned import Guards, PlannedRun, PlannedStage, Totals
from pipeline.stages.dedup.estimate import PlannedDedup
from pipeline.stages.dedup.tables import recall_section
from pipeline.stages.estimate import SourceInput
from pipeline.terminal import Section, figures_table, print_sections, shown_path

_UNKNOWN = "?"


def print_plan(console: Console, planned: PlannedRun) -> None:
    """Prints what a run would do and take."""
    console.print(f"[bold]plan of[/] {shown_path(planned.path)}", highlight=False)
    print_sections(console, _sections(planned))


def _sections(planned: PlannedRun) -> Iterator[Section]:
    yield Section("stages", _stages_table(planned.stages))
    yield Section("input", _sources_table(planned.sources))
    if planned.dedup is not None:
        yield Section("deduplication: bytes exchanged", "\n".join(_exchange(planned.dedup)))
        yield recall_section(planned.dedup.recall)
    yield Section("limits that stop a run", "\n".join(_guards(planned.guards)))
    if any(stage.estimate for stage in planned.stages.values()):
        yield Section("total of the stages left to do", _total(planned.total))
    if notes := list(_notes(planned.stages)):
        yield Section("notes", "\n".join(notes))


def _notes(stages: Mapping[str, PlannedStage]) -> Iterator[str]:
    for name, stage in stages.items():
        if stage.estimate is not None:
            yield from (f"{name}: {note}" for note in stage.estimate.notes)


def _stages_table(stages: Mapping[str, PlannedStage]) -> Table:
    table = figures_table(
        "stage", "state", "files", "input MB", "units", "workers", "seconds", "memory GB", "disk MB"
    )
    for name, stage in stages.items():
        table.add_row(name, _state(stage), *_input_figures(stage), *_cost_figures(stage))
    table.columns[1].justify = "left"
    return table


def _state(stage: PlannedStage) -> str:
    if stage.units_done is None or stage.input is None:
        return stage.state
    return f"{stage.state} with {stage.units_done} of {stage.input.units} units"


def _input_figures(stage: PlannedStage) -> tuple[str, ...]:
    """Files, input and units; empty for a stage that a run would not start."""
    if stage.input is None or stage.refused is not None:
        return ()
    known = stage.input
    units = "" if known.units == 0 else _count(known.units)  # a stage in one piece
    return _count(known.files), _scaled(known.input_bytes, 1e6), units


def _cost_figures(stage: PlannedStage) -> tuple[str, ...]:
    """Workers, seconds, memory and disk: what a finished stage took, or an estimate of them."""
    if stage.took is not None:
        return "", _scaled(stage.took.seconds, 1), "", _scaled(stage.took.disk_bytes, 1e6)
    if stage.estimate is None:
        return ()
    about = stage.estimate
    return (
        _count(about.workers),
        _scaled(about.seconds, 1, mark="~"),
        _scaled(about.memory_bytes, 1e9, digits=2, mark="~"),
        _scaled(about.disk_bytes, 1e6, mark="~"),
    )


def _sources_table(sources: Mapping[str, SourceInput]) -> Table:
    table = figures_table("source", "kind", "files", "MB", "units")
    for name, source in sources.items():
        table.add_row(
            name,
            source.kind,
            _count(source.files),
            _scaled(source.bytes, 1e6),
            _count(source.units),
        )
    return table


def _exchange(dedup: PlannedDedup) -> Iterator[str]:
    bands, exact = dedup.band_bytes_per_document, dedup.exact_bytes_per_document
    yield f"{bands} bytes of bands and {exact} of exact hashes per document"
    if dedup.memory_limit_bytes is not None:
        yield f"memory limit {dedup.memory_limit_bytes / 1e9:.1f} GB"
    if dedup.documents is None or dedup.exchange is None:
        yield "ranges and passes are known when the documents are"
        return
    exchange = dedup.exchange
    in_bands = f"{exchange.band_bytes / 1e6:,.1f} MB of bands in {_passes(exchange.passes)}"
    in_exact = (
        f"{exchange.exact_bytes / 1e6:,.1f} MB of exact hashes in {_passes(exchange.exact_passes)}"
    )
    yield f"{dedup.documents:,} documents: {exchange.ranges} hash ranges, {in_bands}, {in_exact}"
    if exchange.star_rounds:
        yield f"{exchange.star_rounds} rounds of star contraction before components are combined"


def _passes(number: int) -> str:
    return "1 pass" if number == 1 else f"{number} passes"


def _guards(guards: Guards) -> Iterator[str]:
    for guard in guards.bounds:
        line = f"{guard.key} = {guard.limit}: the share of {guard.counted} in a source"
        top = guard.highest
        yield line if top is None else f"{line}; highest: {top.rate:.2%} in {top.source}"
    rules = [*guards.screens, *(["lines"] if guards.lines else [])]
    if rules:
        yield f"also dropping: {', '.join(rules)}"


def _total(total: Totals) -> str:
    free = total.free_disk_bytes
    room = "" if free is None else f" of {free / 1e9:,.1f} GB that are free"
    time = f"about {total.seconds:,.0f} s ({total.core_seconds:,.0f} s of one core)"
    memory = f"{total.memory_bytes / 1e9:.2f} GB of memory"
    text = f"{time}, {memory}, {total.disk_bytes / 1e6:,.1f} MB on disk{room}"
    return f"{text}; more where the table says {_UNKNOWN}" if total.unknown else text


def _count(number: int | None) -> str:
    return _UNKNOWN if number is None else f"{number:,}"


def _scaled(value: float | None, unit: float, *, digits: int = 1, mark: str = "") -> str:
    return _UNKNOWN if value is None else f"{mark}{value / unit:,.{digits}f}"
