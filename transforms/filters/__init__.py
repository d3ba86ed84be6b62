"""Quality filters and language identification: columns of documents in, a verdict per row out.

A filter of your own is registered with `transforms.register_filter`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.filters.filter import Columns, Filter
    from transforms.filters.language import identify_language, identify_languages
    from transforms.filters.presets import PRESETS, preset_filters
    from transforms.filters.registry import FILTERS, check_filter, judge
    from transforms.filters.tokens import Tokens, tokenize
    from transforms.filters.verdicts import Verdicts
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".filter": "Columns Filter",
            ".language": "identify_language identify_languages",
            ".presets": "PRESETS preset_filters",
            ".registry": "FILTERS check_filter judge",
            ".tokens": "Tokens tokenize",
            ".verdicts": "Verdicts",
        },
    )

__all__ = [
    "FILTERS",
    "PRESETS",
    "Columns",
    "Filter",
    "Tokens",
    "Verdicts",
    "check_filter",
    "identify_language",
    "identify_languages",
    "judge",
    "preset_filters",
    "tokenize",
]
