"""Runs commands in one process in which importing PyTorch raises, in worker processes too.

python -m tests.pipeline.without_torch JSON

JSON: a list of lists of arguments, one for each command.
"""

import json
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class TorchImported(RuntimeError):
    """No ImportError: whoever goes on without a missing module must not hide this."""


class _Refusing(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        raise TorchImported(spec.name)

    def exec_module(self, module: ModuleType) -> None: ...


class RefuseTorch(MetaPathFinder):
    """Finds `torch`, so that looking for it is allowed, and refuses to load it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, _Refusing()) if fullname.partition(".")[0] == "torch" else None


def main(commands: list[list[str]]) -> None:
    sys.meta_path.insert(0, RefuseTorch())
    from pipeline.cli import main as tokenmill

    for arguments in commands:
        sys.argv = ["tokenmill", *arguments]
        try:
            tokenmill()
        except SystemExit as stop:
            if stop.code:
                sys.exit(f"{arguments}: {stop.code}")
    assert "torch" not in sys.modules


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
