"""Measured rates of the stages: the constants of `tokenmill plan`.

`python -m tests.bench.plan_rates` measures them (docs/plan.md). The rates of reading are defined by
each kind of source: `SourceKind.rates`.
"""

PACKED = (".gz", ".bz2", ".zst", ".lz4", ".xz")
"""Suffixes of compressed files; all are estimated at the rate of gzip."""

FILTERED_BYTES_PER_SECOND = 12e6
"""Text that the four FineWeb filters process on one core (docs/performance.md).

Other filters are mostly faster.
"""

START_SECONDS = 1.0
"""Fixed cost of a stage, before its first unit and after its last.

Covers the plan, Beam's graph, the start of workers and the manifest.
"""

DRIVER_MEMORY = 220e6
INGEST_WORKER_MEMORY = 130e6
DEDUP_WORKER_MEMORY = 200e6
SHARDS_WORKER_MEMORY = 160e6
"""Bytes of the driver process, and bytes that each worker adds, independent of the corpus size.

A worker adds them whether it is a thread of the driver or a separate process.
"""

DOCUMENTS_PER_MEASURED_PART = 100_000
"""Size of the parts for which `transforms.dedup.near.exchange.FIXED_MEMORY` was measured.

A worker holds the signatures of one part.
"""

DEDUP_DRIVER_SECONDS = 12e-6
"""Driver-only time per document during the exchange of hashes.

2 and 10 million documents took 50 and 354 s (docs/dedup.md).
"""

OPTION_TIMES = {"urls": 0.65, "decontaminate": 1.6, "lines": 1.9, "against": 2.1}
"""Cost of each deduplication option, as a multiple of the search for duplicates.

The figures are from docs/dedup-options.md.
"""

COUNTED_BYTES_PER_SECOND = 9e6
PRETOKEN_BYTES_PER_BYTE = 0.09
PRETOKEN_DISK_PER_BYTE = 0.3
LEARNED_BYTES_PER_SECOND = 0.55e6
COUNT_WORKER_MEMORY = 130e6
LEARNING_MEMORY_PER_BYTE = 50.0
"""The method `counted`: pre-tokens are counted by workers, merges are learned by the driver.

COUNTED_BYTES_PER_SECOND: text that one core pre-tokenizes and counts. PRETOKEN_BYTES_PER_BYTE:
bytes of the table of counts per byte of text. PRETOKEN_DISK_PER_BYTE, LEARNING_MEMORY_PER_BYTE:
bytes on disk and in memory per byte of that table. LEARNED_BYTES_PER_SECOND: bytes of that table
that merges are learned from per second. COUNT_WORKER_MEMORY: bytes of memory per worker.
"""

TRAINER_BYTES_PER_SECOND = 6e6
TRAINER_MEMORY_PER_BYTE = 14.0
"""The method `sample`, the reference trainer: bytes of text per second, memory per byte of text."""

MEASURED_BYTES_PER_SECOND = 3e6
TOKENIZER_BYTES_PER_TOKEN = 70.0
"""Bytes of text per second when a tokenizer is measured; bytes on disk per vocabulary entry."""

TEXT_BYTES_PER_TOKEN = 4.1
"""English news and novels with a vocabulary of 16,384 tokens.

Other languages and code have fewer bytes per token, and therefore larger shards.
"""

SHARDS_BYTES_PER_SECOND = 8e6
SHARD_OVERHEAD = 1.05
"""Bytes of text per second that one core encodes and packs; bytes on disk per byte of tokens."""
