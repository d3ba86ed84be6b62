"""Parquet and Arrow IPC files on any file system."""

import contextlib
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage


def read_parquet(path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The table of a Parquet file, or some of its columns.

    Raises FileNotFoundError if there is no such file.
    """
    with storage.open_input(path) as stream:
        return pq.read_table(stream, columns=None if columns is None else list(columns))


def read_metadata(path: str) -> pq.FileMetaData:
    """The footer of a Parquet file: its rows, row groups and schema.

    Raises FileNotFoundError if there is no such file.
    """
    with storage.open_input(path) as stream:
        return pq.read_metadata(stream)


def write_parquet(table: pa.Table, path: str, *, plain: tuple[str, ...] = ()) -> None:
    """Writes a table atomically, compressed by zstd.

    `plain` columns hold hashes, which neither a dictionary nor zstd makes smaller.
    """
    encoded = [name for name in table.column_names if name not in plain]
    compression = {name: "none" if name in plain else "zstd" for name in table.column_names}
    with storage.atomic_output(path) as temporary:
        pq.write_table(table, temporary, compression=compression, use_dictionary=encoded)


@contextlib.contextmanager
def arrow_writer(path: str, schema: pa.Schema) -> Iterator[pa.RecordBatchFileWriter]:
    """Yields a writer of an uncompressed Arrow IPC file; commits it when the block ends well."""
    with (
        storage.atomic_output(path) as temporary,
        pa.OSFile(temporary, "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        yield writer


def open_arrow(path: str) -> pa.ipc.RecordBatchFileReader:
    """Opens an Arrow IPC file.

    A local one is mapped into memory; of another only the batches that are asked for are fetched.
    """
    if storage.is_local(path):
        return pa.ipc.open_file(pa.memory_map(storage.file_system(path)[1]))
    return pa.ipc.open_file(pa.PythonFile(storage.open_input(path), mode="r"))
