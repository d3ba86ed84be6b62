"""Pure functions over text, numpy arrays and Arrow columns, and the PTransforms over them.

The subpackages sources, filters, dedup, tokens, export, ingest, urls, contracts, storage and beam
export the rest.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.errors import ConfigError, UserError
    from transforms.plugins import register_filter, register_source
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".errors": "ConfigError UserError",
            ".plugins": "register_filter register_source",
        },
    )

__all__ = [
    "ConfigError",
    "UserError",
    "register_filter",
    "register_source",
]
