"""The tables of `tokenmill verify`."""

from rich.console import Console
from rich.markup import escape

from pipeline.commands.verify.verify import Verification
from pipeline.terminal import figures_table, shown_path


def print_verification(console: Console, verification: Verification) -> None:
    """A table of the checks, then every fault that was named."""
    table = figures_table("check", "looked at", "result")
    for result in verification.checks:
        table.add_row(
            result.check,
            result.checked,
            f"[red]{result.wrong:,} wrong[/]" if result.wrong else result.state,
        )
    for stage in verification.not_done:
        table.add_row(stage, "", "not done yet")
    table.columns[1].justify = table.columns[2].justify = "left"
    console.print(table)
    for result in verification.checks:
        for fault in result.faults:
            console.print(f"{result.check}: {fault}", markup=False, soft_wrap=True)
        if result.wrong > len(result.faults) > 0:
            console.print(f"{result.check}: {result.wrong:,} in all", markup=False)
        if result.why:
            console.print(
                f"{result.check}: not checked, for {result.why}", markup=False, soft_wrap=True
            )
    verdict = "everything is right" if verification.right else "[red]verification failed[/]"
    console.print(f"\n{escape(shown_path(verification.path))}: {verdict}")
    if not verification.right:
        console.print(
            "restore the files, or rerun the first wrong stage and those after it: tokenmill run CONFIG --overwrite"
        )
