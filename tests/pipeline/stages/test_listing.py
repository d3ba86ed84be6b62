"""What paths of a source stand for: folders, kinds by name and content, and what is passed over and said."""

import bz2
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config.load import load_config, parse_config
from pipeline.stages.documents.listing import SourceFiles, list_source
from pipeline.stages.documents.planning import plan_documents
from tests.fuzz.seeds import PROSE, SEEDS
from tests.pipeline.test_cli import check_error
from transforms.errors import ConfigError
from transforms.sources.file_kinds import is_named_as, kind_of_file
from transforms.sources.registry import KINDS


def listing(folder: Path, *paths: str, kind: str = "jsonl", **options: object) -> SourceFiles:
    source = {"kind": kind, "paths": list(paths), **options}
    config = parse_config(
        {"folder": "run", "sources": {"news": source}}, where=f"{folder}/tokenmill.toml"
    )
    return list_source("news", config.sources["news"], "", run=config.folder)


def origins(found: SourceFiles) -> list[str]:
    return [file.origin for file in found.files]


def fill(folder: Path, *names: str, data: bytes = b'{"text": "a"}\n') -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def test_a_folder_stands_for_the_files_of_its_kind(tmp_path: Path) -> None:
    fill(
        tmp_path,
        "data/b.jsonl",
        "data/a.jsonl.gz",
        "data/sub/deep/C.JSONL.zst",
        "data/d.ndjson.bz2",
        "data/e.json",
    )
    fill(
        tmp_path,
        "data/x.csv",
        "data/y.txt",
        "data/z",
        "data/w.jsonl.lz4",
        "run/documents/own.jsonl",
    )
    left_out = (
        "_SUCCESS",
        ".DS_Store",
        ".hidden.jsonl",
        ".git/a.jsonl",
        "__MACOSX/._a.jsonl",
        "_temporary/0/a.jsonl",
        ".a.jsonl.crc",
    )
    fill(tmp_path, *(f"data/{name}" for name in left_out))
    found = listing(tmp_path, "data")
    assert origins(found) == [
        "a.jsonl.gz",
        "b.jsonl",
        "d.ndjson.bz2",
        "e.json",
        "sub/deep/C.JSONL.zst",
    ]
    [note] = found.notes
    assert note.endswith("not of kind 'jsonl': 1 .csv, 1 .lz4, 1 .txt, 1 without an ending")
    assert origins(listing(tmp_path, "data/")) == origins(found)
    assert origins(listing(tmp_path, str(tmp_path / "data"))) == origins(found)
    assert "own.jsonl" not in " ".join(origins(listing(tmp_path, ".")))
    assert (
        origins(listing(tmp_path, "data/b.jsonl"))
        == origins(listing(tmp_path, "data/b*.jsonl"))
        == ["b.jsonl"]
    )
    assert origins(listing(tmp_path, "data/sub", "data/b.jsonl")) == [
        "b.jsonl",
        "sub/deep/C.JSONL.zst",
    ]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, "away/a.jsonl", "data/b.jsonl")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "away")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "c.jsonl").symlink_to(tmp_path / "away" / "a.jsonl")
    assert origins(listing(tmp_path, "data")) == ["b.jsonl", "c.jsonl"]


@pytest.mark.parametrize(
    ("files", "kind", "what"),
    [
        (
            ["a.csv", "b.csv", "c.txt"],
            "jsonl",
            r"holds no file of kind 'jsonl' \(\.jsonl.*\); there is 2 \.csv, 1 \.txt",
        ),
        ([".hidden.jsonl"], "jsonl", "there is no file at all"),
        ([], "parquet", "there is no file at all"),
        (["a.pdf"], "auto", "no file is of a known kind; there is 1 .pdf"),
    ],
)
def test_a_folder_without_a_file_of_its_kind_names_what_is_there(
    tmp_path: Path, files: list[str], kind: str, what: str
) -> None:
    (tmp_path / "data").mkdir()
    fill(tmp_path, *(f"data/{name}" for name in files), data=b"%PDF-1.7")
    with pytest.raises(ConfigError, match=what):
        listing(tmp_path, "data", kind=kind)


def test_a_folder_on_a_store() -> None:
    from transforms import storage

    for name in ("a.jsonl", "sub/b.jsonl", "sub/c.txt", "_SUCCESS"):
        storage.write_bytes(f"memory://listing/data/{name}", b"{}")
    source = {"kind": "jsonl", "paths": ["memory://listing/data"]}
    config = parse_config(
        {"folder": "run", "sources": {"news": source}}, where="/base/tokenmill.toml"
    )
    found = list_source("news", config.sources["news"], "")
    assert [(file.info.path, file.origin) for file in found.files] == [
        ("memory://listing/data/a.jsonl", "a.jsonl"),
        ("memory://listing/data/sub/b.jsonl", "sub/b.jsonl"),
    ]
    storage.remove_folder("memory://listing")


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        *((f"a{ending}", make(), kind) for kind, seeds in SEEDS.items() for ending, make in seeds),
        ("dump-pages-articles-multistream.xml.bz2", b"", "wikipedia"),
        ("a.RSS", b"", "feed"),
        ("a.htm", b"", "html"),
        ("a.xhtml.gz", b"", "html"),
        ("a.tsv.zst", b"", "csv"),
        ("a.ndjson", b"", "jsonl"),
        ("a.json", b"", "jsonl"),
        ("a.warc.wat.gz", gzip.compress(b"WARC/1.0\r\n"), None),
        ("a", b"PAR1....", "parquet"),
        ("a", b"ARROW1\0\0", "arrow"),
        ("a.gz", gzip.compress(b'{"text": "a"}'), "jsonl"),
        ("a.bin", b'\xef\xbb\xbf [ {"text": "a"}]', "jsonl"),
        ("a", b"WARC/1.0\r\nWARC-Type: warcinfo", "warc"),
        ("a.php", b"<!DOCTYPE html>\n<html>", "html"),
        ("a.xml", b'<?xml version="1.0"?><!-- c --><rss version="2.0">', "feed"),
        ("a.xml", b'<feed xmlns="http://www.w3.org/2005/Atom">', "feed"),
        ("a.xml", b"\xef\xbb\xbf<mediawiki xmlns='x'>", "wikipedia"),
        ("a.xml", b"<svg/>", None),
        ("README", b"Some words of prose.", None),
        ("a.pdf", b"%PDF-1.7", None),
        ("a.zip", b"PK\x03\x04" + bytes(40), None),
        ("a.gz", b"no gzip", None),
    ],
)
def test_kinds_by_name_and_content(
    tmp_path: Path, name: str, data: bytes, kind: str | None
) -> None:
    fill(tmp_path, name, data=data)
    if kind is None:
        with pytest.raises(ConfigError, match="neither name nor content tells the kind of 1 files"):
            listing(tmp_path, name, kind="auto")
    else:
        [file] = listing(tmp_path, name, kind="auto").files
        assert file.kind == kind


def test_markdown_is_a_kind_by_name_where_there_is_one() -> None:
    kind = kind_of_file("a/b.md", lambda: b"# Title")
    assert kind == ("markdown" if "markdown" in KINDS else None)


def test_every_kind_but_plugins_knows_the_names_of_its_files() -> None:
    for kind, seeds in SEEDS.items():
        assert all(is_named_as(kind, f"a{ending}") for ending, _ in seeds)
        assert not is_named_as(kind, "a.pdf")


def test_a_source_of_all_kinds_reads_each_as_its_kind(tmp_path: Path, tokenmill: Callable) -> None:
    for kind, seeds in SEEDS.items():
        for number, (ending, make) in enumerate(seeds):
            fill(tmp_path, f"data/{kind}{number}{ending}", data=make())
    fill(tmp_path, "data/notes.pdf", data=b"%PDF")
    (tmp_path / "tokenmill.toml").write_text(
        'folder = "run"\nmax_error_rate = 1.0\n[sources.all]\nkind = "auto"\npaths = ["data"]\nkeep_columns = ["title"]\nreflow = false\n'
        "[language]\nidentify = false\n"
    )
    apart = [f'[sources.{kind}]\nkind = "{kind}"\npaths = ["data/{kind}*"]\n' for kind in SEEDS]
    more = {"text": "reflow = false\n"} | dict.fromkeys(
        ("jsonl", "csv", "parquet", "arrow"), 'keep_columns = ["title"]\n'
    )
    (tmp_path / "apart.toml").write_text(
        'folder = "apart"\nmax_error_rate = 1.0\n[language]\nidentify = false\n'
        + "".join(table + more.get(kind, "") for kind, table in zip(SEEDS, apart, strict=True))
    )
    found = {}
    for name in ("tokenmill", "apart"):
        outcome = tokenmill("ingest", tmp_path / f"{name}.toml", "--workers", "1")
        assert outcome.status == 0, outcome.err
        if name == "tokenmill":
            assert "sources.all: passed over, of no known kind: 1 .pdf" in outcome.out
        folder = tmp_path / ("run" if name == "tokenmill" else "apart") / "documents"
        tables = [
            pq.read_table(part, columns=["origin", "locator", "text", "kept"])
            for part in sorted(folder.glob("part-*"))
        ]
        found[name] = sorted(
            (tuple(row.values()) for table in tables for row in table.to_pylist()), key=str
        )
    assert found["tokenmill"] == found["apart"]
    explained = tokenmill(
        "explain", "--json", tmp_path / "run", "--id", _first_id(tmp_path / "run"), "--extract"
    )
    assert json.loads(explained.out)["found"][0]["read_again"]["state"] == "equal"
    plan = json.loads(tokenmill("plan", "--json", tmp_path / "tokenmill.toml").out)
    assert plan["sources"]["all"]["kind"] == "auto"


def _first_id(run: Path) -> str:
    return pq.read_table(run / "documents" / "part-00000.parquet").column("id")[0].as_py().hex()


@pytest.mark.parametrize("split", [None, "train"])
def test_a_dataset_that_was_saved_to_disk(tmp_path: Path, split: str | None) -> None:
    datasets = pytest.importorskip("datasets")
    rows = {
        "id": list(range(40)),
        "text": [f"{number} {PROSE[number % 4]}" for number in range(40)],
        "meta": [{"lang": "en"}] * 40,
    }
    whole = datasets.Dataset.from_dict(rows)
    whole.select(range(10, 40)).save_to_disk(str(tmp_path / "one"), num_shards=2)
    datasets.DatasetDict(train=whole, test=whole.select([3, 1])).save_to_disk(
        str(tmp_path / "many")
    )
    (tmp_path / "many" / "train" / "cache-0123.arrow").write_bytes(
        (tmp_path / "one" / "data-00000-of-00002.arrow").read_bytes()
    )
    path = "one" if split is None else f"many/{split}"
    found = listing(tmp_path, path, kind="arrow")
    assert [name for name in origins(found) if not name.startswith("data-")] == []
    assert any("caches" in note for note in found.notes) == (split is not None)
    every = listing(tmp_path, "many", kind="auto")
    assert origins(every) == ["test/data-00000-of-00001.arrow", "train/data-00000-of-00001.arrow"]
    assert {file.kind for file in every.files} == {"arrow"}
    from transforms.sources.registry import read_records

    options = {"fields": {}, "keep_columns": ["id", "meta.lang"]}
    records = [
        record
        for file in found.files
        for record in read_records(file.info.path, kind="arrow", options=options)
    ]
    expected = rows["text"] if split else rows["text"][10:]
    assert [record.text for record in records] == expected
    assert records[0].kept == json.dumps(
        {"id": 0 if split else 10, "meta.lang": "en"}, separators=(",", ":")
    )


TABLES: dict[str, Callable[[Path, dict], None]] = {
    "csv": lambda path, row: path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n"),
    "parquet": lambda path, row: pq.write_table(
        pa.table({name: [value] for name, value in row.items()}), path
    ),
    "arrow": lambda path, row: pa.feather.write_feather(
        pa.table({name: [value] for name, value in row.items()}), str(path)
    ),
    "jsonl": lambda path, row: path.write_text(json.dumps(row) + "\n"),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(
    ("options", "what"),
    [
        (
            'fields = { text = "bdoy" }',
            "fields.text = 'bdoy', and no file has that column; there are 'body', 'link'; did you mean 'body'?",
        ),
        (
            'fields = { text = "body", url = "Link" }',
            "fields.url = 'Link', and no file has that column; there are",
        ),
        (
            'fields = { text = "body" }\nkeep_columns = ["id"]',
            "keep_columns names 'id', and no file has that column; there are",
        ),
        (
            "",
            "the text is looked for in 'text', and no file has that column; there are 'body', 'link'",
        ),
        (
            'fields = { text = "body.x" }',
            "fields.text = 'body.x', and no file has that column; there are",
        ),
    ],
)
def test_a_column_that_no_file_has_is_an_error(
    tmp_path: Path, tokenmill: Callable, kind: str, options: str, what: str
) -> None:
    import pyarrow.feather  # noqa: F401

    for name in ("a", "b"):
        TABLES[kind](tmp_path / f"{name}.{kind}", {"body": "some text", "link": "http://a/"})
    path = tmp_path / "tokenmill.toml"
    path.write_text(
        f'folder = "run"\n[sources.news]\nkind = "{kind}"\npaths = ["*.{kind}"]\n{options}\n[language]\nidentify = false\n'
    )
    outcome = tokenmill("ingest", path, "--workers", "1")
    check_error(outcome, 1 if kind == "jsonl" else 2, what)
    assert (tmp_path / "run").exists() == (
        kind == "jsonl"
    )  # of tables it is known before anything runs


@pytest.mark.parametrize("kind", TABLES)
def test_a_column_that_some_files_lack_is_no_error(
    tmp_path: Path, tokenmill: Callable, kind: str
) -> None:
    TABLES[kind](tmp_path / f"a.{kind}", {"body": "some text"})
    TABLES[kind](tmp_path / f"b.{kind}", {"body": "other text", "link": "http://a/", "id": "7"})
    path = tmp_path / "tokenmill.toml"
    path.write_text(
        f'folder = "run"\n[sources.news]\nkind = "{kind}"\npaths = ["*.{kind}"]\nfields = {{ text = "body", url = "link" }}\n'
        'keep_columns = ["id"]\n[language]\nidentify = false\n'
    )
    outcome = tokenmill("ingest", path, "--workers", "1")
    assert outcome.status == 0, outcome.err
    [part] = (tmp_path / "run" / "documents").glob("part-*")
    rows = pq.read_table(part).to_pylist()
    assert [(row["text"], row["url"], row["kept"]) for row in rows] == [
        ("some text", None, None),
        ("other text", "http://a/", '{"id":"7"}'),
    ]


def test_a_file_without_the_text_column_beside_others_is_a_reject(tmp_path: Path) -> None:
    TABLES["csv"](tmp_path / "a.csv", {"title": "x"})
    TABLES["csv"](tmp_path / "b.csv", {"text": "y"})
    (tmp_path / "c.toml").write_text(
        f'folder = "run"\n[sources.news]\nkind = "csv"\npaths = ["{tmp_path}/*.csv"]\n'
    )
    assert len(plan_documents("documents", load_config(str(tmp_path / "c.toml"))).units) == 1


def test_a_failing_run_shows_the_first_rejects_detail(tmp_path: Path, tokenmill: Callable) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "good"}\n{broken\n{"text": 7}\n')
    path = tmp_path / "tokenmill.toml"
    path.write_text(
        'folder = "run"\n[sources.news]\nkind = "jsonl"\npaths = ["a.jsonl"]\n[language]\nidentify = false\n'
    )
    outcome = tokenmill("ingest", path, "--workers", "1")
    check_error(
        outcome,
        1,
        "the first: jsonl/not-json at 17 of a.jsonl: JSONDecodeError: Expecting property name",
    )
    path.write_text(
        'folder = "strict"\nmax_error_rate = 1\n[sources.news]\nkind = "jsonl"\npaths = ["a.jsonl"]\nquality = ["gopher"]\n'
        "[language]\nthreshold = 0\n"
    )
    outcome = tokenmill("ingest", path, "--workers", "1")
    check_error(outcome, 1, "no document was kept: ")
    assert "the first: " in outcome.err


def test_a_dump_that_is_packed_is_peeked_into(tmp_path: Path) -> None:
    fill(tmp_path, "wiki.xml.bz2", data=bz2.compress(b"<mediawiki/>"))
    assert listing(tmp_path, ".", kind="auto").files[0].kind == "wikipedia"
