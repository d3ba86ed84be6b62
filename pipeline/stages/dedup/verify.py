"""Checks of the dedup stage: drops name existing documents and similar, kept documents."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.stages.check import Check, address_names, differing_keys
from pipeline.stages.dedup.made import settings_of
from pipeline.stages.finished import FinishedStages, need
from transforms import storage
from transforms.arrays import binary_rows
from transforms.contracts.addresses import pack_address, unpack_address
from transforms.contracts.dedup import LINES_RULE, RULES, SCREEN_RULES
from transforms.contracts.documents import ID_BYTES
from transforms.contracts.names import DROPS, PARTS, REMOVED_LINES, SIGNATURES
from transforms.contracts.plain import to_object
from transforms.dedup.keep_order import DROP_ALL
from transforms.dedup.summary import summarise


def check_counts(stages: FinishedStages, check: Check) -> None:
    """Recounts the files, and compares parts.

    The counters match the manifest. Each part of the documents has a file of drops. Signatures have
    the ids of the documents, row by row.
    """
    parts = need(stages.documents).paths(PARTS)
    for part in parts.keys() ^ need(stages.dedup).paths(DROPS).keys():
        check.add(f"part {part} has documents or drops, but not both")
    recounted = summarise(stages.run.dedup, stages.run.documents)
    counted, stated = to_object(recounted), to_object(need(stages.dedup).counters)
    for fault in differing_keys({key: stated.get(key) for key in counted}, counted):
        check.add(fault)
    for part, path in need(stages.dedup).paths(SIGNATURES).items():
        if not _column(path, "id").equals(_column(parts[part], "id")):
            check.add(f"{path} is not of the documents of part {part}")
    check.checked = f"{recounted.total.documents:,} documents, {recounted.total.dropped:,} dropped"


def check_drops(stages: FinishedStages, check: Check) -> None:
    """Checks each drop and the document kept in its place, the keeper.

    The dropped document exists, once. The keeper exists, is not dropped itself, and is at least as
    similar as the configuration asks.
    """
    settings = settings_of(need(stages.dedup))
    least = np.float32(0 if settings.verify == "none" else settings.jaccard)
    known = _Documents(stages)
    drop_all = DROP_ALL in settings.keep
    total = 0
    for part, path in need(stages.dedup).paths(DROPS).items():
        with storage.open_input(path) as stream:
            drops = pq.read_table(stream).combine_chunks()
        total += len(drops)
        rows = drops["row"].to_numpy().astype(np.int64)
        if len(rows) > 1 and not (np.diff(rows) > 0).all():
            check.add(f"{path}: rows do not rise, or one is there twice")
        there = known.have(pack_address(part, rows), drops["id"])
        check.add_all(
            "no such document",
            (f"{path}:{row}" for row in np.flatnonzero(~there)),
            int((~there).sum()),
        )
        rules = drops["rule"].cast(pa.string())
        # A keeper in an earlier run (`other`) is not among the documents of this one.
        in_this_run = pc.and_(pc.is_valid(drops["keeper"]), pc.is_null(drops["other"])).to_numpy()
        named = np.flatnonzero(in_this_run)
        keepers = pc.fill_null(drops["keeper"], 0).to_numpy()[named]
        lost = ~known.have(keepers, drops["keeper_id"].take(pa.array(named)))
        check.add_all("no such keeper", (f"{path}:{row}" for row in named[lost]), int(lost.sum()))
        must_be_kept = pc.is_in(rules, value_set=pa.array(RULES)).to_numpy()[named] & ~lost
        # Lines are removed after duplicates, so a keeper may be dropped for having no line left:
        # `dropped` ignores that rule.
        dropped = np.zeros(len(named), bool)
        if not drop_all:
            dropped[must_be_kept] = known.dropped(keepers[must_be_kept])
        check.add_all(
            "the keeper is dropped itself",
            (f"{path}:{row}" for row in named[dropped]),
            int(dropped.sum()),
        )
        similarity = pc.fill_null(drops["similarity"], float("nan")).to_numpy()
        # An exact copy of a near duplicate names the keeper of that one, and their similarity.
        measured = pc.is_in(rules, value_set=pa.array([*RULES, SCREEN_RULES["against"]])).to_numpy()
        low = measured & ~(similarity >= least)
        places = (f"{path}:{row} ({similarity[row]:.4f})" for row in np.flatnonzero(low))
        check.add_all(f"less similar than {least:g}", places, int(low.sum()))
    check.checked = f"{total:,} drops"


def check_groups(stages: FinishedStages, check: Check) -> None:
    """Compares `clusters.parquet` with the drops of duplicates, and the stated group sizes."""
    with storage.open_input(storage.join(stages.run.dedup, "clusters.parquet")) as stream:
        table = pq.read_table(
            stream, columns=["component", "size", "member", "keeper", "similarity"]
        )
    columns = {name: table[name].to_numpy() for name in table.column_names}
    components, at, sizes = np.unique(columns["component"], return_inverse=True, return_counts=True)
    wrong = columns["size"] != sizes[at]
    check.add_all(
        "the group does not have its stated size",
        address_names(columns["member"][wrong]),
        int(wrong.sum()),
    )
    is_dropped = columns["member"] != columns["keeper"]
    in_groups = np.rec.fromarrays(
        [columns[name][is_dropped] for name in ("member", "keeper", "similarity")]
    )
    in_drops = np.rec.fromarrays(_duplicate_drops(stages))
    for what, left, right in (
        ("dropped in clusters, not in the drops", in_groups, in_drops),
        ("in the drops, not dropped in clusters", in_drops, in_groups),
    ):
        alone = np.setdiff1d(left, right)
        check.add_all(what, address_names(alone["f0"]), len(alone))
    check.checked = f"{len(components):,} groups of {len(table):,} documents"


def has_lines(stages: FinishedStages) -> bool:
    """Whether the stage removed lines."""
    return bool(need(stages.dedup).paths(REMOVED_LINES))


def check_lines(stages: FinishedStages, check: Check) -> None:
    """Checks that documents that lost lines exist, and that they have the removed lines."""
    known = _Documents(stages)
    total = 0
    for part, path in need(stages.dedup).paths(REMOVED_LINES).items():
        with storage.open_input(path) as stream:
            table = pq.read_table(stream).combine_chunks()
        total += len(table)
        rows = table["row"].to_numpy().astype(np.int64)
        there = known.have(pack_address(part, rows), table["id"])
        check.add_all(
            "no such document",
            (f"{path}:{row}" for row in np.flatnonzero(~there)),
            int((~there).sum()),
        )
        with storage.open_input(need(stages.documents).paths(PARTS)[part]) as stream:
            texts = pq.read_table(stream, columns=["text"])["text"].take(pa.array(rows[there]))
        lines, characters = table["lines"].to_pylist(), table["characters"].to_pylist()
        for index, text in zip(np.flatnonzero(there).tolist(), texts.to_pylist(), strict=True):
            written = text.split("\n")
            numbers = lines[index]
            if (
                not numbers
                or numbers[-1] >= len(written)
                or sum(len(written[number]) for number in numbers) != characters[index]
            ):
                check.add(f"{path}:{index}: these are not lines of document {part}:{rows[index]}")
    check.checked = f"{total:,} documents that lost lines"


def _duplicate_drops(stages: FinishedStages) -> list[np.ndarray]:
    """All dropped duplicates: members and keepers uint64 (n,), similarities float32 (n,)."""
    columns: list[list[np.ndarray]] = [
        [np.zeros(0, np.uint64)],
        [np.zeros(0, np.uint64)],
        [np.zeros(0, np.float32)],
    ]
    for part, path in need(stages.dedup).paths(DROPS).items():
        with storage.open_input(path) as stream:
            drops = pq.read_table(stream, columns=["row", "rule", "keeper", "similarity"])
        drops = drops.filter(pc.is_in(drops["rule"].cast(pa.string()), value_set=pa.array(RULES)))
        columns[0].append(pack_address(part, drops["row"].to_numpy()))
        columns[1].append(drops["keeper"].to_numpy())
        columns[2].append(drops["similarity"].to_numpy())
    return [np.concatenate(arrays) for arrays in columns]


class _Documents:
    """Ids and drops of all parts, read when a part is first asked for."""

    def __init__(self, stages: FinishedStages):
        self._parts = need(stages.documents).paths(PARTS)
        self._drops = need(stages.dedup).paths(DROPS)
        self._ids: dict[int, np.ndarray] = {}
        self._dropped: dict[int, np.ndarray] = {}

    def have(self, addresses: np.ndarray, ids: pa.ChunkedArray) -> np.ndarray:
        """Which documents exist with these ids: addresses uint64 (n,), n ids -> bool (n,)."""
        wanted = _rows_of_ids(ids)
        parts, rows = unpack_address(addresses)
        exists = np.zeros(len(addresses), bool)
        for part in np.unique(parts).tolist():
            if part in self._parts:
                known, at = self._ids_of(part), parts == part
                inside = rows < len(known)
                chosen = at & inside
                exists[chosen] = (known[rows[chosen]] == wanted[chosen]).all(axis=1)
        return exists

    def dropped(self, addresses: np.ndarray) -> np.ndarray:
        """Which documents are dropped: addresses uint64 (n,) -> bool (n,).

        Documents that are dropped because no line is left of them do not count.
        """
        parts, rows = unpack_address(addresses)
        is_dropped = np.zeros(len(addresses), bool)
        for part in np.unique(parts).tolist():
            at = parts == part
            is_dropped[at] = np.isin(rows[at], self._dropped_of(part))
        return is_dropped

    def _ids_of(self, part: int) -> np.ndarray:
        if part not in self._ids:
            self._ids[part] = _rows_of_ids(_column(self._parts[part], "id"))
        return self._ids[part]

    def _dropped_of(self, part: int) -> np.ndarray:
        if part not in self._dropped:
            with storage.open_input(self._drops[part]) as stream:
                drops = pq.read_table(stream, columns=["row", "rule"])
            by_other = pc.not_equal(drops["rule"].cast(pa.string()), LINES_RULE)
            self._dropped[part] = drops["row"].filter(by_other).to_numpy()
        return self._dropped[part]


def _column(path: str, name: str) -> pa.ChunkedArray:
    with storage.open_input(path) as stream:
        return pq.read_table(stream, columns=[name])[name]


def _rows_of_ids(ids: pa.ChunkedArray) -> np.ndarray:
    """n ids -> uint8 (n, ID_BYTES); a null becomes zeros, which is no id."""
    return binary_rows(ids.combine_chunks().fill_null(bytes(ID_BYTES)))
