"""Packing without holding a shard in memory: full windows of documents are packed and written."""

from collections.abc import Callable

import numpy as np

from transforms.arrays import to_offsets
from transforms.errors import UserError
from transforms.tokens.encode import Encoded
from transforms.tokens.pack import PackedRows, Packing, pack_documents
from transforms.tokens.shards import ShardInfo
from transforms.words import mix64

WINDOW_TOKENS = 1 << 21
"""Tokens of a window, which is packed at once.

It takes 6 bytes per token, 12 with uint32, and 0.2 KB per document.
"""

WINDOW_ROWS = 256
"""Least rows of a window, so that the padding at its end is a small share."""

_DOCUMENT_TOKENS = 32
"""Counted for each document besides its tokens, so that windows of tiny documents are small, too.
"""


class WindowPacker:
    """Documents of one shard -> packed rows, a window at a time.

    The same documents in order give the same rows.

    `write` gets the rows of a window and the addresses of its documents, uint64 (documents,). Rows
    are shuffled within their window by the run's seed, the shard's number and the window's. Raises
    UserError if a target was lost.
    """

    def __init__(
        self,
        info: ShardInfo,
        *,
        shard: int,
        token_bytes: np.ndarray,
        write: Callable[[PackedRows, np.ndarray], None],
        window_tokens: int = WINDOW_TOKENS,
    ):
        self._info, self._shard, self._token_bytes, self._write = info, shard, token_bytes, write
        self._limit = max(window_tokens, WINDOW_ROWS * info.sequence_length)
        self._dtype = info.token_dtype
        self._windows = 0
        self._clear()

    def _clear(self) -> None:
        self._ids: list[np.ndarray] = [np.zeros(0, self._dtype)]
        self._counts: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._addresses: list[np.ndarray] = [np.zeros(0, np.uint64)]
        self._size = 0

    def add(self, encoded: Encoded, addresses: np.ndarray) -> None:
        """Adds documents; packs and writes them when the window is full."""
        self._ids.append(encoded.ids.astype(self._dtype))
        self._counts.append(np.diff(encoded.offsets))
        self._addresses.append(addresses)
        self._size += len(encoded.ids) + _DOCUMENT_TOKENS * len(addresses)
        if self._size >= self._limit:
            self.flush()

    def flush(self) -> None:
        """Packs and writes the documents of the unfinished window.

        To be called after the last document.
        """
        if not self._size:
            return
        offsets = to_offsets(np.concatenate(self._counts))
        encoded, addresses = (
            Encoded(np.concatenate(self._ids), offsets),
            np.concatenate(self._addresses),
        )
        self._clear()
        packed = pack_checked(
            encoded,
            self._info,
            token_bytes=self._token_bytes,
            seed=window_seed(self._info.seed, self._shard, self._windows),
        )
        self._windows += 1
        self._write(packed, addresses)


def pack_checked(
    encoded: Encoded, info: ShardInfo, *, token_bytes: np.ndarray, seed: int
) -> PackedRows:
    """Packs documents and checks the targets: a document of n tokens must give n + 1.

    Raises UserError otherwise.
    """
    packing: Packing = "concat" if info.packing == "concat" else "best-fit"
    packed = pack_documents(
        encoded,
        packing=packing,
        sequence_length=info.sequence_length,
        end_of_text=info.end_of_text,
        token_bytes=token_bytes,
        seed=seed,
    )
    expected, found = len(encoded.ids) + len(encoded.offsets) - 1, int(packed.targets.sum())
    if found != expected:
        raise UserError(
            f"{expected} targets went into packing and {found} came out",
            where=info.source,
            remedy="report this as a defect",
        )
    return packed


def window_seed(seed: int, shard: int, window: int) -> int:
    """A seed of its own for each window of each shard of a run."""
    return int(mix64(mix64(np.array([seed], np.uint64)) ^ np.uint64(shard << 32 | window))[0])
