"""What one stage may rely on of another: schemas, addresses of documents, manifests, counters.

docs/formats.md describes the files.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transforms.contracts.addresses import address_text, pack_address, unpack_address
    from transforms.contracts.counters import (
        DedupCounters,
        DocumentsCounters,
        DropCounters,
        ExportCounters,
        ShardCounters,
        ShardsCounters,
        SourceCounters,
        TokenizerCounters,
    )
    from transforms.contracts.dedup import (
        CLUSTER_SCHEMA,
        CONTAMINATION_SCHEMA,
        DROP_SCHEMA,
        REMOVED_LINES_SCHEMA,
    )
    from transforms.contracts.documents import DOCUMENT_SCHEMA, REJECT_SCHEMA, document_id
    from transforms.contracts.manifest import FileEntry, Manifest, read_manifest, sha256_of
    from transforms.contracts.plain import to_plain
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".addresses": "address_text pack_address unpack_address",
            ".counters": (
                "DedupCounters DocumentsCounters DropCounters ExportCounters ShardCounters "
                "ShardsCounters SourceCounters TokenizerCounters"
            ),
            ".dedup": "CLUSTER_SCHEMA CONTAMINATION_SCHEMA DROP_SCHEMA REMOVED_LINES_SCHEMA",
            ".documents": "DOCUMENT_SCHEMA REJECT_SCHEMA document_id",
            ".manifest": "FileEntry Manifest read_manifest sha256_of",
            ".plain": "to_plain",
        },
    )

__all__ = [
    "CLUSTER_SCHEMA",
    "CONTAMINATION_SCHEMA",
    "DOCUMENT_SCHEMA",
    "DROP_SCHEMA",
    "REJECT_SCHEMA",
    "REMOVED_LINES_SCHEMA",
    "DedupCounters",
    "DocumentsCounters",
    "DropCounters",
    "ExportCounters",
    "FileEntry",
    "Manifest",
    "ShardCounters",
    "ShardsCounters",
    "SourceCounters",
    "TokenizerCounters",
    "address_text",
    "document_id",
    "pack_address",
    "read_manifest",
    "sha256_of",
    "to_plain",
    "unpack_address",
]
