"""Query Chromium's TextDecoder for the tables of `whatwg.npz` and the answers of the tests.

    python -m tests.transforms.sources.textdecoder.ask_chromium [--chromium chromium] [--tables]

The answers are stored unchanged, with Chromium's deviations from the standard, which the tests
name. The tables are the standard's, without the four pairs of Big5 that stand for two characters
each: `whatwg.py` handles these.
"""

import argparse
import base64
import html
import json
import lzma
import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.transforms.sources.textdecoder import cases
from transforms.sources import whatwg

ANSWERS = Path(__file__).with_name("answers.json.xz")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update "
    "--disable-sync"
)
_PAGE = (
    """<!doctype html><meta charset=utf-8><pre id=out></pre><script>
{script}
const escaped = JSON.stringify(main()).replace(/[^\\x20-\\x7e]|[<>&]/g, """
    """c => '\\\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
document.getElementById('out').textContent = escaped;
</script>"""
)
_DECODE = (
    """const cases = {cases};
const bytes = data => Uint8Array.from(atob(data), c => c.charCodeAt(0));
function main() {{ return cases.map(([name, data]) => """
    """new TextDecoder(name).decode(bytes(data))); }}"""
)
_LABELS = (
    """const encoding = label => {{ try {{ return new TextDecoder(label).encoding; }} """
    """catch (e) {{ return null; }} }};
function main() {{ return {labels}.map(encoding); }}"""
)


def run_script(script: str, chromium: str) -> Any:
    """The return value of the script's `main`."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(_PAGE.format(script=script), encoding="utf-8")
        command = [
            chromium,
            *_FLAGS.split(),
            f"--user-data-dir={folder}/profile",
            "--dump-dom",
            page.as_uri(),
        ]
        output = subprocess.run(
            command, capture_output=True, timeout=600, check=True
        ).stdout.decode()
    found = re.search(r'<pre id="out">(.*?)</pre>', output, re.DOTALL)
    assert found, output[:2000]
    return json.loads(html.unescape(found[1]))


def decode(each: Iterable[cases.Case], chromium: str) -> list[str]:
    asked = json.dumps([(case.encoding, base64.b64encode(case.data).decode()) for case in each])
    texts = run_script(_DECODE.format(cases=asked), chromium)
    return [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]


def make_answers(chromium: str) -> dict[str, Any]:
    labels = list(whatwg._LABELS)
    names = [name for name in whatwg._NAMES if name != "replacement"]
    version = subprocess.run(
        [chromium, "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return {
        "chromium": version,
        "labels": dict(
            zip(
                labels, run_script(_LABELS.format(labels=json.dumps(labels)), chromium), strict=True
            )
        ),
        "singles": dict(zip(names, decode(map(cases.single_bytes, names), chromium), strict=True)),
        "pairs": {name: decode(cases.pair_blocks(name), chromium) for name in cases.PAIRED},
        "sentences": decode(cases.sentence_cases(), chromium),
        "random": decode(cases.random_cases(), chromium),
    }


def _points(text: str, size: int) -> list[int]:
    """The code points of a block of sequences; 0 for errors."""
    rows = text.split("\n")[:size]
    return [ord(row) if len(row) == 1 and row != "\ufffd" else 0 for row in rows]


def make_tables(chromium: str) -> dict[str, np.ndarray]:
    """The indexes of the standard from all pairs that Chromium decodes.

    They are stored as differences of the low 16 bits.
    """
    low = [*range(0x40, 0x7F)]
    span = {
        "big5": [*low, *range(0xA1, 0xFF)],
        "euc-kr": [*range(0x41, 0xFF)],
        "gb18030": [*low, *range(0x80, 0xFF)],
    }
    leads: dict[str, Sequence[int]] = dict.fromkeys(span, range(0x81, 0xFF))
    span |= {"shift_jis": [*low, *range(0x80, 0xFD)], "euc-jp": [*range(0xA1, 0xFF)]}
    leads |= {"shift_jis": [*range(0x81, 0xA0), *range(0xE0, 0xFD)], "euc-jp": range(0xA1, 0xFF)}
    tables: dict[str, np.ndarray] = {}
    for encoding, trails in span.items():
        prefix = b"\x8f" if encoding == "euc-jp" else b""
        blocks = [
            cases.Case(
                encoding, b"".join(prefix + bytes((lead, trail, 10)) for trail in trails), ""
            )
            for lead in leads[encoding]
        ]
        points = np.array([_points(text, len(trails)) for text in decode(blocks, chromium)]).ravel()
        if encoding == "big5":
            points[[1133, 1135, 1164, 1166]] = 0
        name = {"shift_jis": "jis0208", "euc-jp": "jis0212"}.get(encoding, encoding)
        tables[name] = np.diff(points & 0xFFFF, prepend=0).astype(np.int16)
        if (points > 0xFFFF).any():
            tables[f"{name}_plane2"] = np.packbits(points > 0xFFFF)
    tables["gb18030_ranges"] = _ranges(chromium)
    names = [
        name
        for name in whatwg._NAMES
        if whatwg.is_single_byte(name) and name not in ("iso-8859-8-i", "x-user-defined")
    ]
    singles = decode([cases.Case(name, bytes(range(128, 256)), "") for name in names], chromium)
    tables["single_names"] = np.array(names)
    tables["single"] = np.array(
        [[ord(character) for character in text] for text in singles], np.uint16
    )
    return tables


def _ranges(chromium: str) -> np.ndarray:
    """Find the runs of consecutive code points in gb18030's sequences of four bytes.

    uint32 (runs, 2): pointer and code point of the start of each run.
    """
    pointers = np.arange(126 * 1260 * 10)
    bytes_ = (
        pointers // 12600 + 0x81,
        pointers // 1260 % 10 + 0x30,
        pointers // 10 % 126 + 0x81,
        pointers % 10 + 0x30,
    )
    data = np.stack(bytes_, axis=1).astype(np.uint8)
    points: list[int] = []
    for start in range(0, len(data), 126000):
        points += map(
            ord,
            decode([cases.Case("gb18030", data[start : start + 126000].tobytes(), "")], chromium)[
                0
            ],
        )
    found = np.array(points)
    steps = np.diff(found, prepend=-2)
    wanted = np.where(found == 0xFFFD, 0, 1)
    begins = np.flatnonzero((steps != wanted) | (np.diff(wanted, prepend=-1) != 0))
    return np.stack([begins, found[begins]], axis=1).astype(np.uint32)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chromium", default="chromium")
    parser.add_argument("--tables", action="store_true", help="write the tables too")
    arguments = parser.parse_args()
    if arguments.tables:
        np.savez_compressed(
            Path(whatwg.__file__).with_name("whatwg.npz"), **make_tables(arguments.chromium)
        )
    answers = json.dumps(make_answers(arguments.chromium), ensure_ascii=False)
    ANSWERS.write_bytes(lzma.compress(answers.encode("utf-8", "surrogatepass"), preset=9))


if __name__ == "__main__":
    main()
