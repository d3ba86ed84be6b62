"""Language identification on the paragraphs of the data folder: right answers by case and noise, and what thresholds keep of each language.

    python -m tests.bench.languages [--model FILE] [--lowercase auto|true|false]

Recall of a language at a threshold: the share of its paragraphs that the model names rightly with at least that probability, so what
`language.keep` with that `threshold` keeps of good text of 80 to some hundred characters. Longer documents have higher probabilities.
"""

import argparse
import gzip
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from tests.conftest import DATA
from transforms.filters.language import Lowercase, identify_languages
from transforms.filters.language_codes import is_same_language

THRESHOLDS = (0.4, 0.5, 0.65, 0.8)
NOISE = " https://www.example.com/index.php?id=1234&lang=en http://news.example.org/2021/03/article-title-goes-here.html mail@example.com"
FORMS: dict[str, Callable[[str], str]] = {
    "as printed": str,
    "capitals": str.upper,
    "title case": str.title,
    "first half in capitals": lambda text: text[: len(text) // 2].upper() + text[len(text) // 2 :],
    "first 80 characters": lambda text: text[:80],
    "first 40 characters": lambda text: text[:40],
    "first 20 characters": lambda text: text[:20],
    "with addresses": lambda text: text + NOISE,
    "marks between words": lambda text: text.replace(" ", " » ").replace(",", " | "),
}


def paragraphs() -> tuple[list[str], list[str]]:
    """Codes and texts of the Universal Declaration of Human Rights."""
    with gzip.open(DATA / "languages" / "udhr.tsv.gz", "rt", encoding="utf-8") as lines:
        codes, texts = zip(*(line.rstrip("\n").split("\t") for line in lines), strict=True)
    return list(codes), list(texts)


def right_scores(
    codes: list[str], texts: list[str], *, model: str | None, lowercase: Lowercase
) -> np.ndarray:
    """The probability of each text's language where it is named rightly, else -1: float64 [texts]."""
    found, scores = identify_languages(
        pa.array(texts, pa.large_string()), model=model, characters=3000, lowercase=lowercase
    )
    right = [
        other is not None
        and (code == other or (model is not None and is_same_language(code, other)))
        for code, other in zip(codes, found.to_pylist(), strict=True)
    ]
    return np.where(right, scores, -1.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a fastText model; the bundled one if not given")
    parser.add_argument("--lowercase", choices=("auto", "true", "false"), default="auto")
    arguments = parser.parse_args()
    lowercase: Lowercase = (
        "auto" if arguments.lowercase == "auto" else arguments.lowercase == "true"
    )
    codes, texts = paragraphs()
    console = Console(width=120, highlight=False)
    forms = Table(
        "text",
        "right",
        *(f"at {threshold}" for threshold in THRESHOLDS),
        title=f"{len(texts)} paragraphs",
    )
    for name, form in FORMS.items():
        scores = right_scores(
            codes, list(map(form, texts)), model=arguments.model, lowercase=lowercase
        )
        forms.add_row(name, *(f"{(scores >= least).mean():.3f}" for least in (0, *THRESHOLDS)))
    console.print(forms)
    scores = right_scores(codes, texts, model=arguments.model, lowercase=lowercase)
    rows: dict[str, list[float]] = defaultdict(list)
    for code, score in zip(codes, scores.tolist(), strict=True):
        rows[code].append(score)
    recall = {
        code: [float(np.mean([score >= least for score in found])) for least in (0, *THRESHOLDS)]
        for code, found in rows.items()
    }
    table = Table(
        "language", "paragraphs", "right", *(f"at {threshold}" for threshold in THRESHOLDS)
    )
    for code, shares in sorted(recall.items(), key=lambda item: (item[1][3], item[0])):
        table.add_row(code, str(len(rows[code])), *(f"{share:.2f}" for share in shares))
    console.print(table)


if __name__ == "__main__":
    main()
