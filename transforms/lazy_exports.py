"""Names that a package exports without importing the modules that define them (PEP 562)."""

import importlib
import sys
from collections.abc import Callable, Mapping


def export_lazily(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Module functions `__getattr__` and `__dir__` of a package whose names are imported on use.

    No name may be that of a submodule: importing the submodule sets the attribute, and hides it.

    Args:
        package: its `__name__`.
        homes: module, as in a relative import (`.config`, `..errors`) -> the names that the package
            exports from it, with spaces between them.

    Returns:
        `__getattr__`, which imports the module that defines a name, and `__dir__`.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def get_attribute(name: str) -> object:
        if name not in home_of:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}",
                name=name,
                obj=sys.modules[package],
            )
        # Not kept in the package: a name replaced in its own module is replaced here, too.
        return getattr(importlib.import_module(home_of[name], package), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of})

    return get_attribute, names
