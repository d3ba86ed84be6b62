"""`tokenmill verify`: a run is right as it was made, and every kind of damage is found and named."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.commands.verify.verify import verify_run
from pipeline.run.folder import Run
from pipeline.run.state import file_entry
from tests.pipeline.runs import STAGES
from tests.pipeline.test_cli import check_error
from transforms.contracts.addresses import pack_address
from transforms.contracts.manifest import read_manifest
from transforms.tokens.shards import open_shard
from transforms.tokens.train import tokenizer_bytes, train_tokenizer

Damage = Callable[[list[dict]], None]
"""Changes the rows of a file in place."""


def wrong_checks(folder: Path) -> dict[str, str]:
    """The checks that found something, and what they say."""
    verification = verify_run(Run(str(folder)))
    assert verification.right == (not any(result.wrong for result in verification.checks))
    return {
        result.check: "\n".join(result.faults)
        for result in verification.checks
        if result.state == "wrong"
    }


def rewrite(path: Path, damage: Damage, *, schema: pa.Schema | None = None) -> None:
    """Changes rows of a Parquet file or shard, and the manifest's entry of it, so that only the content is wrong."""
    if path.suffix == ".arrow":
        table = open_shard(str(path)).table
        rows = table.to_pylist()
        damage(rows)
        with (
            pa.OSFile(str(path) + ".new", "wb") as sink,
            pa.ipc.new_file(sink, schema or table.schema) as writer,
        ):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema or table.schema))
        Path(f"{path}.new").replace(path)
    else:
        table = pq.read_table(path)
        rows = table.to_pylist()
        damage(rows)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema or table.schema), path)
    enter(path, rows=len(rows))


def enter(path: Path, *, rows: int) -> None:
    """Puts a file as it is now into its stage's manifest."""
    edit_json(
        path.parent / "manifest.json",
        lambda values: values["files"].update({path.name: asdict(file_entry(str(path), rows))}),
    )


def edit_json(path: Path, edit: Callable[[dict], object]) -> None:
    values = json.loads(path.read_text())
    edit(values)
    path.write_text(json.dumps(values))


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_is_right_as_it_was_made(tokenmill: Callable, finished: Path) -> None:
    outcome = tokenmill("verify", finished)
    assert outcome.status == 0
    assert "everything is right" in outcome.out
    values = json.loads(tokenmill("verify", finished.parent / "tokenmill.toml", "--json").out)
    assert values["right"]
    assert values["not_done"] == []
    checked = {check["check"]: check["checked"] for check in values["checks"]}
    manifests = {stage: read_manifest(str(finished / stage)) for stage in STAGES}
    documents = sum(
        entry.rows
        for name, entry in manifests["documents"].files.items()
        if name.startswith("part-")
    )
    rejects = sum(
        entry.rows
        for name, entry in manifests["documents"].files.items()
        if name.startswith("rejects-")
    )
    kept = manifests["dedup"].counters["kept"]
    assert checked["documents: ids"] == f"{documents + rejects} ids"
    assert checked["shards: text"].startswith(f"{kept} texts, ")
    assert checked["dedup: drops and keepers"] == f"{documents - kept} drops"
    assert {check["state"] for check in values["checks"]} == {"right"}


KINDS = [
    ("documents", "part-*"),
    ("documents", "rejects-*"),
    ("dedup", "drops-*"),
    ("dedup", "clusters*"),
    ("dedup", "signatures-*"),
    ("tokenizer", "tokenizer.json"),
    ("tokenizer", "tokenizer_config.json"),
    ("tokenizer", "special_tokens_map.json"),
    ("shards", "train-*"),
    ("shards", "validation-*"),
]


DAMAGED = [
    *((*kind, damage) for kind in KINDS for damage in ("flipped", "removed")),
    *(
        (*kind, damage)
        for kind in (KINDS[0], KINDS[5], KINDS[8])
        for damage in ("shorter", "extra")
    ),
]


@pytest.mark.parametrize(("stage", "pattern", "damage"), DAMAGED)
def test_damaged_files_are_named(copy: Path, stage: str, pattern: str, damage: str) -> None:
    path = next(copy.glob(f"{stage}/{pattern}"))
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "shorter":
        path.write_bytes(data[:-1])
    elif damage == "removed":
        path.unlink()
    else:
        path = path.with_name(f"more-{path.name}")
        path.write_bytes(data)
    said = {
        "flipped": "is not what was written: its sha256 is another",
        "shorter": f"has {len(data) - 1:,} bytes, the manifest says {len(data):,}",
        "removed": "is missing",
        "extra": "is not in the manifest",
    }[damage]
    found = wrong_checks(copy)
    assert found == {f"{stage}: files": f"{path} {said}"}


def more(*keys: str) -> Callable[[dict], None]:
    """Adds one to a number in a tree."""

    def edit(values: dict) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] += 1

    return edit


def put(value: object, *keys: str) -> Callable[[dict], None]:
    def edit(values: dict) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("stage", "edit", "check", "part"),
    [
        (
            "documents",
            more("files", "part-00000.parquet", "rows"),
            "documents: columns, rows",
            "part-00000.parquet has",
        ),
        (
            "documents",
            more("files", "part-00000.parquet", "bytes"),
            "documents: files",
            "part-00000.parquet has",
        ),
        (
            "documents",
            more("counters", "sources", "news", "kept"),
            "documents: counts",
            "news.kept is",
        ),
        (
            "documents",
            more("counters", "sources", "news", "rejected", "jsonl/wrong-type"),
            "documents: counts",
            "jsonl/wrong-type is 4",
        ),
        (
            "documents",
            put({}, "counters", "sources", "books", "languages"),
            "documents: counts",
            "books.languages.en is None",
        ),
        (
            "documents",
            put("0" * 64, "fingerprint"),
            "stages follow from each other",
            "dedup was made from another documents",
        ),
        ("dedup", more("counters", "near"), "dedup: counts", "near is"),
        (
            "dedup",
            put("0" * 64, "upstream"),
            "stages follow from each other",
            "upstream is not that of the plan",
        ),
        (
            "dedup",
            put(0.99, "configuration", "dedup", "jaccard"),
            "stages follow from each other",
            "configuration is not that of the plan",
        ),
        (
            "dedup",
            put("shards", "stage"),
            "stages follow from each other",
            "is of the stage 'shards'",
        ),
        (
            "tokenizer",
            more("counters", "vocabulary"),
            "tokenizer: vocabulary",
            "has 400 tokens, the manifest says 401",
        ),
        (
            "shards",
            more("counters", "train", "news", "targets"),
            "shards: headers, counts",
            "train.news.targets is",
        ),
        (
            "shards",
            put(0.5, "configuration", "shards", "validation"),
            "stages follow from each other",
            "configuration",
        ),
        (
            "shards",
            put(128, "configuration", "shards", "sequence_length"),
            "shards: headers, counts",
            "sequence_length is 64, not 128",
        ),
    ],
)
def test_an_edited_manifest_is_found(
    copy: Path, stage: str, edit: Callable, check: str, part: str
) -> None:
    edit_json(copy / stage / "manifest.json", edit)
    assert part in wrong_checks(copy)[check]


def test_an_edited_plan_is_found(copy: Path) -> None:
    edit_json(copy / "documents" / "plan.json", put("de", "configuration", "language", "keep"))
    assert "plan.json has been changed" in wrong_checks(copy)["stages follow from each other"]


def test_a_manifest_that_is_gone_or_no_json_is_told(copy: Path) -> None:
    (copy / "dedup" / "manifest.json").write_text("{")
    assert "cannot be read: the manifest is not JSON" in wrong_checks(copy)["dedup: files"]
    (copy / "dedup" / "manifest.json").write_text('{"format_version": 1, "files": {}}')
    assert "cannot be read" in wrong_checks(copy)["dedup: files"]
    (copy / "dedup" / "manifest.json").unlink()
    assert "is missing, though tokenizer is finished" in wrong_checks(copy)["dedup: files"]


def swap(name: str, first: int = 0, second: int = 1) -> Damage:
    """Swaps a column's values of two rows."""

    def damage(rows: list[dict]) -> None:
        rows[first][name], rows[second][name] = rows[second][name], rows[first][name]

    return damage


def set_to(name: str, value: object, row: int = 0) -> Damage:
    def damage(rows: list[dict]) -> None:
        rows[row][name] = value(rows[row][name]) if callable(value) else value

    return damage


def repeat(rows: list[dict]) -> None:
    rows.append(rows[0])


def cut(rows: list[dict]) -> None:
    del rows[0]


def keeper_goes(rows: list[dict]) -> None:
    """Of two drops, one becomes the keeper of the other."""
    rows[0]["keeper"], rows[0]["keeper_id"] = rows[1]["row"], rows[1]["id"]


def other_similarity(rows: list[dict]) -> None:
    next(row for row in rows if row["member"] != row["keeper"])["similarity"] = 0.83


def of_segment(name: str, value: object, *, index: int = 0) -> Damage:
    def damage(rows: list[dict]) -> None:
        segment = rows[0]["segments"][index]
        segment[name] = value(segment[name]) if callable(value) else value

    return damage


def another_token(rows: list[dict]) -> None:
    """Another token of as many bytes where nothing but the text tells."""
    tokens = rows[0]["tokens"]
    start = rows[0]["segments"][0]["start"]
    tokens[start + 2] = 66 if tokens[start + 2] != 66 else 67


def beyond(rows: list[dict]) -> None:
    rows[1]["tokens"][5] = 400


def no_opening(rows: list[dict]) -> None:
    first = next(
        row for row in rows if any(segment["token_offset"] == 0 for segment in row["segments"])
    )
    first["tokens"][
        next(segment["start"] for segment in first["segments"] if segment["token_offset"] == 0)
    ] = 70


TRAIN = "shards/train-books-*"
CONTENT = [
    (
        "ids swapped",
        "documents/part-00000*",
        swap("id"),
        "documents: ids",
        "part-00000.parquet:0 has the id",
    ),
    ("a document twice", "documents/part-00000*", repeat, "documents: ids", "has the id of"),
    (
        "an origin that was not read",
        "documents/part-00000*",
        set_to("origin", "x.jsonl"),
        "documents: ids",
        "the plan does not read",
    ),
    (
        "another language",
        "documents/part-00000*",
        set_to("language", "de"),
        "documents: counts",
        "news.languages.de is None",
    ),
    (
        "a letter of a text",
        "documents/part-00000*",
        set_to("text", lambda text: "X" + text[1:]),
        "shards: text",
        "tokens of another text",
    ),
    (
        "a longer text",
        "documents/part-00000*",
        set_to("text", lambda text: text + "X"),
        "shards: text",
        "tokens of another text",
    ),
    ("a reject less", "documents/rejects-00000*", cut, "documents: counts", "news.read is"),
    (
        "a reject by another rule",
        "documents/rejects-00000*",
        set_to("rule", "x/y"),
        "documents: counts",
        "news.rejected.x/y is None",
    ),
    (
        "a drop of no document",
        "dedup/drops-00000*",
        set_to("row", 4000, -1),
        "dedup: drops and keepers",
        "no such document: ",
    ),
    (
        "a drop of another id",
        "dedup/drops-00000*",
        swap("id"),
        "dedup: drops and keepers",
        "no such document: ",
    ),
    (
        "a keeper of another id",
        "dedup/drops-00000*",
        set_to("keeper_id", b"x" * 16),
        "dedup: drops and keepers",
        "no such keeper: ",
    ),
    (
        "a keeper that goes",
        "dedup/drops-00000*",
        keeper_goes,
        "dedup: drops and keepers",
        "the keeper is dropped itself: ",
    ),
    (
        "too little similar",
        "dedup/drops-00000*",
        set_to("similarity", 0.5),
        "dedup: drops and keepers",
        "less similar than 0.8: ",
    ),
    (
        "no similarity",
        "dedup/drops-00000*",
        set_to("similarity", None),
        "dedup: drops and keepers",
        "less similar than 0.8: ",
    ),
    (
        "drops out of order",
        "dedup/drops-00000*",
        list.reverse,
        "dedup: drops and keepers",
        "rows do not rise",
    ),
    (
        "a drop less",
        "dedup/drops-00000*",
        cut,
        "dedup: groups",
        "dropped in clusters, not in the drops: 0:",
    ),
    (
        "a drop less for the shards",
        "dedup/drops-00000*",
        cut,
        "shards: splits disjoint",
        "but not there: 0:",
    ),
    (
        "a group of another size",
        "dedup/clusters*",
        set_to("size", 7),
        "dedup: groups",
        "does not have its stated size",
    ),
    (
        "another similarity in a group",
        "dedup/clusters*",
        other_similarity,
        "dedup: groups",
        "in the drops, not dropped in clusters",
    ),
    (
        "signatures swapped",
        "dedup/signatures-00000*",
        swap("id"),
        "dedup: counts",
        "not of the documents of part 0",
    ),
    (
        "a segment shifted",
        TRAIN,
        of_segment("start", lambda start: start + 1),
        "shards: rows",
        ".arrow:0",
    ),
    (
        "a segment shortened",
        TRAIN,
        of_segment("length", lambda length: length - 1),
        "shards: documents whole, once",
        "tokens are missing",
    ),
    (
        "a segment that begins earlier",
        TRAIN,
        of_segment("token_offset", lambda offset: offset + 64),
        "shards: documents whole, once",
        "",
    ),
    (
        "an end that is none",
        TRAIN,
        of_segment("ends", True),
        "shards: rows",
        "segment does not lie inside its row: ",
    ),
    (
        "a segment of a document that is not there",
        TRAIN,
        of_segment("document", 1 << 40),
        "shards: splits disjoint",
        "256:0",
    ),
    (
        "a document of another source",
        TRAIN,
        of_segment("document", 3),
        "shards: splits disjoint",
        "of another source: 0:3",
    ),
    ("an id beyond the vocabulary", TRAIN, beyond, "shards: rows", "ids beyond the vocabulary: "),
    (
        "another token",
        TRAIN,
        another_token,
        "shards: text",
        "tokens of another text than the document's: ",
    ),
    (
        "no opening end of text",
        TRAIN,
        no_opening,
        "shards: rows",
        "does not begin with an end of text: ",
    ),
    (
        "more bytes",
        TRAIN,
        set_to("bytes", lambda count: count + 1),
        "shards: rows",
        "`bytes` is not the sum over the targets: ",
    ),
    (
        "a row less",
        TRAIN,
        cut,
        "shards: documents whole, once",
        "tokens are missing between two pieces",
    ),
    ("a row twice", TRAIN, repeat, "shards: documents whole, once", "tokens are there twice"),
]


@pytest.mark.parametrize(
    ("pattern", "damage", "check", "part"),
    [case[1:] for case in CONTENT],
    ids=[case[0] for case in CONTENT],
)
def test_wrong_content_with_right_hashes_is_found(
    copy: Path, pattern: str, damage: Damage, check: str, part: str
) -> None:
    rewrite(next(iter(sorted(copy.glob(pattern)))), damage)
    found = wrong_checks(copy)
    assert check in found, found
    assert part in found[check]
    assert not any("files" in name for name in found)


def test_one_fault_hides_no_other_of_its_check(copy: Path) -> None:
    train = next(iter(sorted(copy.glob("shards/train-books-*"))))
    rewrite(train, beyond)
    rewrite(
        next(iter(sorted(copy.glob("documents/part-00000*")))),
        set_to("text", lambda text: "X" + text[1:]),
    )
    rewrite(
        next(iter(sorted(copy.glob("dedup/drops-00000*")))), set_to("keeper", pack_address(99, 0))
    )
    found = wrong_checks(copy)
    assert not any("cannot be checked" in faults for faults in found.values()), found
    assert found["shards: text"].count("tokens of another text than the document's: ") == 2
    assert "no such keeper: " in found["dedup: drops and keepers"]


def test_a_validation_document_in_train_is_found(copy: Path) -> None:
    held_out = next(
        path for path in sorted(copy.glob("shards/validation-news-*")) if len(open_shard(str(path)))
    )
    rows = open_shard(str(held_out)).table.to_pylist()
    train = next(copy.glob("shards/train-news-*"))
    rewrite(train, lambda own: own.extend(rows))
    found = wrong_checks(copy)
    assert "in train and in validation: 0:" in found["shards: splits disjoint"]
    assert "though the hash of the id says otherwise: 0:" in found["shards: splits disjoint"]
    assert "these are in another shard too: 0:" in found["shards: documents whole, once"]


def test_a_dropped_document_in_the_shards_is_found(copy: Path) -> None:
    train = next(copy.glob("shards/train-news-*"))
    dropped = pq.read_table(copy / "dedup" / "drops-00000.parquet")["row"][0].as_py()

    def of_the_dropped(rows: list[dict]) -> None:
        for row in rows[:1]:
            row["segments"][0]["document"] = dropped

    rewrite(train, of_the_dropped)
    assert (
        f"in train, though deduplication does not keep them: 0:{dropped}"
        in wrong_checks(copy)["shards: splits disjoint"]
    )


def test_a_shard_of_another_tokenizer_is_found(copy: Path) -> None:
    path = copy / "tokenizer" / "tokenizer.json"
    other = train_tokenizer(
        iter(["an altogether different text " * 50]), vocabulary=300, minimum_frequency=2
    )
    path.write_bytes(tokenizer_bytes(other))
    enter(path, rows=0)
    found = wrong_checks(copy)
    assert "tokenizer_sha256 is" in found["shards: headers, counts"]
    assert "vocabulary_size is 400" in found["shards: headers, counts"]
    assert "ids beyond the vocabulary" in found["shards: rows"]
    assert "shards: text" in found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tokenizer_sha256", "0" * 64),
        ("split", "validation"),
        ("source", "news"),
        ("seed", "4"),
        ("packing", "none"),
        ("end_of_text", "1"),
    ],
)
def test_a_shard_that_says_something_else_of_itself_is_found(
    copy: Path, key: str, value: str
) -> None:
    path = next(copy.glob(TRAIN))
    schema = open_shard(str(path)).table.schema
    rewrite(
        path,
        lambda rows: None,
        schema=schema.with_metadata(
            {**(schema.metadata or {}), f"tokenmill.{key}".encode(): value}
        ),
    )
    assert f"{key} is" in wrong_checks(copy)["shards: headers, counts"]


def test_wider_tokens_than_the_contract_are_found(copy: Path) -> None:
    path = next(copy.glob(TRAIN))
    schema = open_shard(str(path)).table.schema
    wide = schema.set(
        0,
        pa.field(
            "tokens", pa.list_(pa.field("item", pa.uint32(), nullable=False), 65), nullable=False
        ),
    )
    rewrite(path, lambda rows: None, schema=wide)
    assert (
        "does not have the columns of its contract" in wrong_checks(copy)["shards: headers, counts"]
    )


def test_another_column_is_found(copy: Path) -> None:
    path = copy / "dedup" / "clusters.parquet"
    table = pq.read_table(path)
    pq.write_table(
        table.rename_columns(["component", "size", "member", "id", "keeper", "likeness"]), path
    )
    enter(path, rows=len(table))
    assert (
        "clusters.parquet does not have the columns of its contract"
        in wrong_checks(copy)["dedup: columns, rows"]
    )


def test_many_faults_are_counted_and_the_first_named(tokenmill: Callable, copy: Path) -> None:
    def damage(rows: list[dict]) -> None:
        for row in rows:
            row["bytes"] += 1

    path = next(copy.glob(TRAIN))
    rewrite(path, damage)
    rows = len(open_shard(str(path)))
    outcome = tokenmill("verify", copy)
    assert outcome.status == 1
    assert f"{rows:,} wrong" in outcome.out
    assert f":4 and {rows - 5:,} more" in outcome.out
    assert "verification failed" in outcome.out
    values = json.loads(tokenmill("verify", copy, "--json").out)
    assert (
        next(check for check in values["checks"] if check["check"] == "shards: rows")["wrong"]
        == rows
    )


def test_damaged_files_are_not_looked_into(tokenmill: Callable, copy: Path) -> None:
    path = next(copy.glob("documents/part-*"))
    path.write_bytes(b"PAR1" + path.read_bytes()[4:-4] + b"nope")
    outcome = tokenmill("verify", copy)
    assert outcome.status == 1
    assert "not checked, for files of documents are damaged" in outcome.out
    values = {
        check["check"]: check["state"]
        for check in json.loads(tokenmill("verify", copy, "--json").out)["checks"]
    }
    assert values["documents: ids"] == values["shards: text"] == "not checked"
    assert values["shards: rows"] == values["dedup: groups"] == "right"


def test_stages_that_are_not_done_are_named_and_no_fault(tokenmill: Callable, copy: Path) -> None:
    shutil.rmtree(copy / "shards")
    (copy / "tokenizer" / "manifest.json").unlink()
    outcome = tokenmill("verify", copy)
    assert outcome.status == 0, outcome.out
    assert "not done yet" in outcome.out
    assert json.loads(tokenmill("verify", copy, "--json").out)["not_done"] == [
        "tokenizer",
        "shards",
    ]


def test_no_run(tokenmill: Callable, tmp_path: Path) -> None:
    check_error(tokenmill("verify", tmp_path / "none"), 2, "there is no such folder")
    check_error(tokenmill("verify", tmp_path), 1, "no stage of the run is finished")


def test_a_run_without_validation_documents_is_right(tokenmill: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"text": "The river rose in the night, and the fields lay under water."}) + "\n"
    )
    path = tmp_path / "c.toml"
    lines = [
        'folder = "run"',
        "[sources.a]",
        'kind = "jsonl"',
        'paths = ["a.jsonl"]',
        "[shards]",
        "validation = 0.0",
        "sequence_length = 8",
    ]
    path.write_text("\n".join([*lines, "[tokenizer]", "vocabulary = 260"]))
    assert tokenmill("run", path).status == 0
    outcome = tokenmill("verify", tmp_path / "run")
    assert outcome.status == 0, outcome.out
    assert "1 train and 0 validation documents" in outcome.out
    assert tokenmill("inspect", tmp_path / "run" / "shards").status == 0
    empty = next((tmp_path / "run" / "shards").glob("validation-*"))
    assert tokenmill("inspect", empty).status == 0
    check_error(tokenmill("explain", f"{empty}:0"), 2, "it has 0 rows")
    check_error(tokenmill("explain", empty), 2, "it has no rows")
