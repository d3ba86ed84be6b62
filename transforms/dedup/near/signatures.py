"""Files of signatures, `signatures-*.parquet`: their schema, size, and reading columns of them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from transforms.arrays import to_numpy
from transforms.contracts.dedup import EXACT_BYTES, FORMAT_VERSION, signature_fields
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.names import SIGNATURES
from transforms.dedup.keep_order import key_bytes
from transforms.dedup.settings import DedupConfig
from transforms.storage.arrow_files import read_parquet


def signature_schema(config: DedupConfig) -> pa.Schema:
    """The schema of a part's signatures.

    Its metadata hold the settings that the values depend on.
    """
    settings = {
        "format": FORMAT_VERSION,
        "unit": config.unit,
        "ngram": config.ngram,
        "permutations": config.permutations,
        "seed": config.seed,
        "keep": list(config.keep),
    }
    return pa.schema(
        signature_fields(permutations=config.permutations, order_bytes=key_bytes(config.keep)),
        metadata={f"tokenmill.{name}": str(value) for name, value in settings.items()},
    )


def signature_bytes(config: DedupConfig) -> int:
    """Bytes of a document's row on disk.

    Hashes and keys are stored plain; all else takes about a byte.
    """
    return ID_BYTES + EXACT_BYTES + key_bytes(config.keep) + 4 * config.permutations + 1


def read_signatures(dedup: str, part: int, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Columns of a part's signatures in a dedup folder.

    uint8 (documents, width) for hashes and keys, else (documents,).
    """
    table = read_parquet(SIGNATURES.path(dedup, part), columns)
    return {name: to_numpy(table.column(name)) for name in columns}
