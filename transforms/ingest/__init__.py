"""One unit of the documents stage: read files, identify languages, filter, write a part."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.ingest.counts import IngestCounts
    from transforms.ingest.settings import FilterConfig, LanguageConfig, SourceConfig
    from transforms.ingest.unit import (
        FilterResult,
        InputFile,
        PartPaths,
        ingest_files,
        judge_documents,
        read_unit,
    )
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".counts": "IngestCounts",
            ".settings": "FilterConfig LanguageConfig SourceConfig",
            ".unit": "FilterResult InputFile PartPaths ingest_files judge_documents read_unit",
        },
    )

__all__ = [
    "FilterConfig",
    "FilterResult",
    "IngestCounts",
    "InputFile",
    "LanguageConfig",
    "PartPaths",
    "SourceConfig",
    "ingest_files",
    "judge_documents",
    "read_unit",
]
