"""Document addresses: where a document lies in a run, in one number.

An address is (part, row), 32 bits each: the number of the part file and the row in it. Stages name
documents by their address; it is unique in a run, and addresses sort as parts and rows do.
"""

from typing import overload

import numpy as np

_ROW_BITS = 32
_ROW_MASK = (1 << _ROW_BITS) - 1


@overload
def pack_address(part: int, rows: int) -> int: ...
@overload
def pack_address(part: int, rows: np.ndarray) -> np.ndarray: ...
def pack_address(part: int, rows: int | np.ndarray) -> int | np.ndarray:
    """The address of one row of a part, or of many: int, or integers (n,) -> uint64 (n,)."""
    if isinstance(rows, int):
        return part << _ROW_BITS | rows
    return np.uint64(part) << np.uint64(_ROW_BITS) | rows.astype(np.uint64)


@overload
def unpack_address(addresses: int) -> tuple[int, int]: ...
@overload
def unpack_address(addresses: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...
def unpack_address(addresses: int | np.ndarray) -> tuple[int, int] | tuple[np.ndarray, np.ndarray]:
    """The part and the row of one address, or of many: int, or uint64 (n,) -> two int64 (n,)."""
    if isinstance(addresses, int):
        return addresses >> _ROW_BITS, addresses & _ROW_MASK
    parts, rows = addresses >> np.uint64(_ROW_BITS), addresses & np.uint64(_ROW_MASK)
    return parts.astype(np.int64), rows.astype(np.int64)


def address_text(address: int) -> str:
    """`PART:ROW`, as commands take and print it."""
    part, row = unpack_address(address)
    return f"{part}:{row}"
