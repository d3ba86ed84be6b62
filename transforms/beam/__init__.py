"""The PTransforms of deduplication and of counting pre-tokens."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.beam.coders import RecordBatchCoder
    from transforms.beam.components import Cluster, ConnectedComponents, ContractStars
    from transforms.beam.count_pretokens import CountPretokens
    from transforms.beam.drop_duplicates import ChooseKeepers, DropDuplicates, WriteDrops
    from transforms.beam.drop_lines import DropLines
    from transforms.beam.find_duplicates import DropExact, ExchangeBands, SignDocuments, VerifyPairs
    from transforms.beam.screen_against import ScreenAgainst
    from transforms.beam.screen_contaminated import ScreenContaminated
    from transforms.beam.screen_urls import ScreenUrls
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".coders": "RecordBatchCoder",
            ".components": "Cluster ConnectedComponents ContractStars",
            ".count_pretokens": "CountPretokens",
            ".drop_duplicates": "ChooseKeepers DropDuplicates WriteDrops",
            ".drop_lines": "DropLines",
            ".find_duplicates": "DropExact ExchangeBands SignDocuments VerifyPairs",
            ".screen_against": "ScreenAgainst",
            ".screen_contaminated": "ScreenContaminated",
            ".screen_urls": "ScreenUrls",
        },
    )

__all__ = [
    "ChooseKeepers",
    "Cluster",
    "ConnectedComponents",
    "ContractStars",
    "CountPretokens",
    "DropDuplicates",
    "DropExact",
    "DropLines",
    "ExchangeBands",
    "RecordBatchCoder",
    "ScreenAgainst",
    "ScreenContaminated",
    "ScreenUrls",
    "SignDocuments",
    "VerifyPairs",
    "WriteDrops",
]
