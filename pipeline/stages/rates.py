"""What stages cost, measured: the constants of `tokenmill plan`. `python -m tests.bench.plan_rates` measures them (docs/plan.md).

What reading costs stands with each kind of source: `SourceKind.rates`.
"""

PACKED = (".gz", ".bz2", ".zst", ".lz4", ".xz")
"""Ends of the names of compressed files; their rate is that of gzip."""

FILTERED_BYTES_PER_SECOND = 12e6
"""Text that the four filters of FineWeb judge on one core (docs/performance.md); other filters are mostly faster."""

START_SECONDS = 1.0
"""Of a stage before its first unit and after its last: plan, Beam's graph, workers, manifest."""

DRIVER_MEMORY = 220e6
INGEST_WORKER_MEMORY = 130e6
DEDUP_WORKER_MEMORY = 200e6
SHARDS_WORKER_MEMORY = 160e6
"""Bytes of the process that drives, and what a worker adds, in it or as a process of its own, whatever the size of the corpus."""

DOCUMENTS_PER_MEASURED_PART = 100_000
"""The parts for which `transforms.dedup.near.exchange.FIXED_MEMORY` was measured; a worker holds the signatures of one."""

DEDUP_DRIVER_SECONDS = 12e-6
"""For each document, what the driver does alone while hashes cross: 2 and 10 million took 50 and 354 s (docs/dedup.md)."""

OPTION_TIMES = {"urls": 0.65, "decontaminate": 1.6, "lines": 1.9, "against": 2.1}
"""What an option of deduplication adds, in times of the search for duplicates (docs/dedup-options.md)."""

COUNTED_BYTES_PER_SECOND = 9e6
PRETOKEN_BYTES_PER_BYTE = 0.09
PRETOKEN_DISK_PER_BYTE = 0.3
LEARNED_BYTES_PER_SECOND = 0.55e6
COUNT_WORKER_MEMORY = 130e6
LEARNING_MEMORY_PER_BYTE = 50.0
"""Counted training.

Bytes of text whose pre-tokens one core counts per second. Bytes of the table of counts per byte of text; bytes on disk and bytes of
memory per byte of that table. Bytes of the table that merges are learned from per second. Bytes of memory of a worker.
"""

TRAINER_BYTES_PER_SECOND = 6e6
TRAINER_MEMORY_PER_BYTE = 14.0
"""The reference trainer: bytes of text per second, and bytes of memory per byte of text."""

MEASURED_BYTES_PER_SECOND = 3e6
TOKENIZER_BYTES_PER_TOKEN = 70.0
"""Bytes of text per second on which a tokenizer is measured; bytes on disk per token of its vocabulary."""

TEXT_BYTES_PER_TOKEN = 4.1
"""English news and novels with 16,384 tokens; fewer for other languages and for code, so shards become larger."""

SHARDS_BYTES_PER_SECOND = 8e6
SHARD_OVERHEAD = 1.05
"""Bytes of text per second that one core encodes and packs; bytes on disk per byte of tokens."""
