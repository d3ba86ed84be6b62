"""Modules with low line coverage, by the JSON report of coverage.py that `make coverage` writes."""

import json
from pathlib import Path

from tools.house.project import Project

LEAST_COVERED = 0.6


def little_covered(report: Path, project: Project, *, least: float = LEAST_COVERED) -> list[str]:
    """Modules with a smaller share of executed statements than `least`.

    A module that the report lacks was never imported.
    """
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    by_path = {Path(name).as_posix(): values["summary"] for name, values in files.items()}
    lines = []
    for module in project.values():
        summary = by_path.get(module.path)
        if summary is None:
            if module.tree.body:
                lines.append(f"{module.path}: not in the report")
        elif (
            summary["num_statements"]
            and (share := summary["covered_lines"] / summary["num_statements"]) < least
        ):
            lines.append(f"{module.path}: {share:.0%} of {summary['num_statements']} statements")
    return lines
