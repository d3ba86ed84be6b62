"""Formats of other tools: token files for trainers, files of documents, and how to ask for them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.export.formats import Counts, DocumentFormat, ExportOptions, Group, TokenFormat
    from transforms.export.registry import FORMATS
    from transforms.export.request import ExportRequest, choose_options, format_options
    from transforms.export.streams import TokenDocuments, read_documents
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".formats": "Counts DocumentFormat ExportOptions Group TokenFormat",
            ".registry": "FORMATS",
            ".request": "ExportRequest choose_options format_options",
            ".streams": "TokenDocuments read_documents",
        },
    )

__all__ = [
    "FORMATS",
    "Counts",
    "DocumentFormat",
    "ExportOptions",
    "ExportRequest",
    "Group",
    "TokenDocuments",
    "TokenFormat",
    "choose_options",
    "format_options",
    "read_documents",
]
