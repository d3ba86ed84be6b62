"""`tokenmill verify`: whether a run's files are what their manifests say, keep their contracts and follow from each other."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape

from pipeline.commands.show_tables.tables import figures_table, shown_path
from pipeline.commands.verify.files import check_chain, check_files, check_schemas
from pipeline.run.folder import STAGES, Run
from pipeline.stages.check import Check, Checked
from pipeline.stages.dedup import verify as verify_dedup
from pipeline.stages.documents import verify as verify_documents
from pipeline.stages.shards import verify as verify_shards
from transforms import storage
from transforms.contracts.manifest import NAME as MANIFEST
from transforms.contracts.manifest import Manifest, read_manifest
from transforms.errors import ConfigError, UserError


class _Content(NamedTuple):
    """A check of what files hold, and the stages whose files must be whole for it to mean anything."""

    name: str
    needs: tuple[str, ...]
    run: Callable[[Checked, Check], None]


_CONTENTS = (
    _Content("documents: counts", ("documents",), verify_documents.check_counts),
    _Content("documents: ids", ("documents",), verify_documents.check_ids),
    _Content("dedup: counts", ("documents", "dedup"), verify_dedup.check_counts),
    _Content("dedup: drops and keepers", ("documents", "dedup"), verify_dedup.check_drops),
    _Content("dedup: groups", ("dedup",), verify_dedup.check_groups),
    _Content("dedup: removed lines", ("documents", "dedup"), verify_dedup.check_lines),
    _Content("tokenizer: vocabulary", ("tokenizer",), verify_shards.check_tokenizer),
    _Content("shards: headers, counts", ("tokenizer", "shards"), verify_shards.check_headers),
    _Content("shards: rows", ("tokenizer", "shards"), verify_shards.check_rows),
    _Content("shards: documents whole, once", ("shards",), verify_shards.check_documents),
    _Content("shards: splits disjoint", ("documents", "dedup", "shards"), verify_shards.check_splits),
    _Content("shards: text", ("documents", "dedup", "tokenizer", "shards"), verify_shards.check_text),
)


def verify_run(run: Run) -> dict[str, Any]:
    """All checks of the finished stages: {path, right, checks, not_done}. Raises UserError where no stage is finished."""
    if not storage.exists(run.folder):
        raise ConfigError("there is no such folder", where=run.folder, remedy="name the folder of a run, or its configuration")
    checks: list[Check] = []
    manifests = {stage: manifest for stage in STAGES if (manifest := _read_manifest(run, stage, checks)) is not None}
    if not manifests and not checks:
        raise UserError("no stage of the run is finished", where=run.folder, remedy="run `tokenmill run CONFIG`")
    checked = Checked(run, manifests)
    damaged = {check.name.partition(":")[0] for check in checks}
    for stage in manifests:
        files = _carry_out(f"{stage}: files", partial(check_files, checked, stage))
        checks.append(files)
        if not files.wrong and stage != "tokenizer":
            checks.append(_carry_out(f"{stage}: columns, rows", partial(check_schemas, checked, stage)))
        if files.wrong:
            damaged.add(stage)
    checks.append(_carry_out("stages follow from each other", partial(check_chain, checked)))
    for content in _CONTENTS:
        broken = [stage for stage in content.needs if stage in damaged]
        if broken:
            checks.append(Check(content.name, skipped=f"files of {', '.join(broken)} are damaged"))
        elif all(stage in manifests for stage in content.needs) and _applies(content, checked):
            checks.append(_carry_out(content.name, partial(content.run, checked)))
    return {
        "path": run.folder,
        "right": not any(check.wrong for check in checks),
        "checks": [check.values() for check in checks],
        "not_done": [stage for stage in STAGES if stage not in manifests and stage not in damaged],
    }


def print_verification(console: Console, values: dict[str, Any]) -> None:
    """A table of the checks, then every fault that was named."""
    table = figures_table("check", "looked at", "result")
    for check in values["checks"]:
        wrong = f"[red]{check['wrong']:,} wrong[/]" if check["state"] == "wrong" else check["state"]
        table.add_row(check["check"], check["checked"], wrong)
    for stage in values["not_done"]:
        table.add_row(stage, "", "not done yet")
    table.columns[1].justify = table.columns[2].justify = "left"
    console.print(table)
    for check in values["checks"]:
        for fault in check["faults"]:
            console.print(f"{check['check']}: {fault}", markup=False, soft_wrap=True)
        if check["wrong"] > len(check["faults"]) > 0:
            console.print(f"{check['check']}: {check['wrong']:,} in all", markup=False)
        if check.get("why"):
            console.print(f"{check['check']}: not checked, for {check['why']}", markup=False, soft_wrap=True)
    verdict = "everything is right" if values["right"] else "[red]not everything is right[/]"
    console.print(f"\n{escape(shown_path(values['path']))}: {verdict}")
    if not values["right"]:
        console.print("restore the files, or make the first wrong stage and those after it again: tokenmill run CONFIG --overwrite")


def _read_manifest(run: Run, stage: str, checks: list[Check]) -> Manifest | None:
    """A finished stage's manifest; None for a stage that is not finished, or, with a check that says so, one that cannot be read."""
    folder = run.stage(stage)
    check = Check(f"{stage}: files")
    if not storage.exists(storage.join(folder, MANIFEST)):
        later = STAGES[STAGES.index(stage) + 1 :]
        if finished := next((name for name in later if storage.exists(storage.join(run.stage(name), MANIFEST))), None):
            check.add(f"{storage.join(folder, MANIFEST)} is missing, though {finished} is finished")
            checks.append(check)
        return None
    try:
        return read_manifest(folder)
    except Exception as error:  # whatever somebody has written there
        check.add(f"{storage.join(folder, MANIFEST)} cannot be read: {getattr(error, 'what', error)}")
        checks.append(check)
        return None


def _carry_out(name: str, work: Callable[[Check], None]) -> Check:
    """Runs a check; what it cannot make sense of is a fault as well."""
    check = Check(name)
    try:
        work(check)
    except Exception as error:  # files that keep their hashes may hold anything
        check.add(f"cannot be checked: {type(error).__name__}: {' '.join(str(error).split())}")
    return check


def _applies(content: _Content, checked: Checked) -> bool:
    return content.run is not verify_dedup.check_lines or bool(checked.files("dedup", "lines"))
