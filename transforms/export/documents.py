"""The columns of exported documents: names and plain types that other tools read.

Ids are hexadecimal and labels are strings, since not every reader knows fixed-size binary and dictionaries; times are in
milliseconds, since Parquet knows no seconds.
"""

import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("title", pa.string()),
        pa.field("published", pa.timestamp("ms", tz="UTC")),
        pa.field("language", pa.string()),
        pa.field("language_score", pa.float32()),
        pa.field("declared_language", pa.string()),
        pa.field("truncated", pa.string()),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
    ]
)


def flat_documents(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of `transforms.documents.DOCUMENT_SCHEMA` -> the same rows in `SCHEMA`."""
    ids = pa.array([value.hex() for value in batch.column("id").to_pylist()], pa.string())
    columns = [ids if field.name == "id" else batch.column(field.name).cast(field.type) for field in SCHEMA]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
