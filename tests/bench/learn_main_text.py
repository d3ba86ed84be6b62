"""Learns the model that tells main text from the rest of a page, and writes it beside `transforms/sources/block_model.py`.

    pip install catboost rapidfuzz
    python -m tests.bench.learn_main_text [--folds 4] [--write]

Two sets of pages teach. 269 pages of seven kinds have gold text (`data/pages`): a block is main text if most of its words are aligned with
gold words in a longest common subsequence. 737 pages, most of them articles in about ten languages, have phrases that must and must not
be found (`data/web`): a block that holds such a phrase is what it says; every other block is what the majority of two extractors says
(trafilatura, and plain resiliparse with less weight), and counts the less the more they differ. Every page has the same weight, half
of it for a page with phrases; inside a page a block's weight grows with its words.

With `--folds` the figures are those of cross-validation: no page is judged by a model that saw a page of its site.
"""

import argparse
import hashlib
import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from tests.bench.extraction import one_space, read_expected_pages
from tests.bench.pages import GoldPage, read_gold_pages, word_f1
from tests.conftest import DATA
from transforms.sources.block_features import block_features
from transforms.sources.block_model import LEAF_SCALE
from transforms.sources.block_places import Places, block_places
from transforms.sources.main_blocks import choose_blocks
from transforms.sources.main_text import candidates
from transforms.sources.page_blocks import Blocks
from transforms.sources.product_page import product_reviews

MODEL = Path(__file__).parents[2] / "transforms" / "sources" / "main_text_model.npz"
_WORD = re.compile(r"\w+")
_TRAFILATURA, _RESILIPARSE, _MAJORITY = 1.2, 0.7, 0.95
_PHRASE_PAGE = 0.5
_SETTINGS = {
    "iterations": 400,
    "depth": 5,
    "learning_rate": 0.07,
    "l2_leaf_reg": 6,
    "random_strength": 1,
    "rsm": 0.3,
    "border_count": 64,
    "bootstrap_type": "Bernoulli",  # half of the blocks for each tree
    "subsample": 0.5,
    "random_seed": 1,
    "thread_count": 2,
    "verbose": 0,
    "allow_writing_files": False,
    "loss_function": "Logloss",
}


class Measured(NamedTuple):
    """A page's blocks. `reviews`: bool (m,). `features`: float32 (features, m). `names`: of the features."""

    blocks: Blocks
    places: Places
    reviews: np.ndarray
    features: np.ndarray
    names: list[str]


@dataclass
class Lesson:
    """A page's blocks and what they are: labels and weights (m,)."""

    url: str
    kind: str
    page: Measured
    labels: np.ndarray
    weights: np.ndarray
    gold: GoldPage | None = None
    phrases: tuple[Sequence[str], Sequence[str]] = ((), ())


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def aligned_share(texts: Sequence[str], reference: str) -> np.ndarray:
    """For each text the share of its words that a longest common subsequence of all words pairs with the reference's."""
    from rapidfuzz.distance import LCSseq

    parts = [words_of(text) for text in texts]
    owners = [number for number, part in enumerate(parts) for _ in part]
    hits = np.zeros(len(parts))
    words, others = [word for part in parts for word in part], words_of(reference)
    if words and others:
        for step in LCSseq.opcodes(words, others):
            if step.tag == "equal":
                for position in range(step.src_start, step.src_end):
                    hits[owners[position]] += 1
    return hits / np.maximum(1, [len(part) for part in parts])


def gold_labels(texts: Sequence[str], gold: str) -> np.ndarray:
    """Which blocks make the text that is nearest to the gold text: aligned ones, then each change that makes the F1 higher; all copies."""
    parts = [Counter(words_of(text)) for text in texts]
    labels = (aligned_share(texts, gold) >= 0.6) & np.array([bool(part) for part in parts])
    wanted = Counter(words_of(gold))
    have: Counter[str] = sum(
        (part for part, label in zip(parts, labels, strict=True) if label), Counter()
    )
    common, size, aim = (have & wanted).total(), have.total(), wanted.total()
    for number, part in enumerate(parts):
        length = part.total()
        if labels[number]:
            loss = sum(
                max(0, min(have[word], wanted[word]) - min(have[word] - count, wanted[word]))
                for word, count in part.items()
            )
            if (common - loss) * (size + aim) > common * (size - length + aim):
                labels[number], common, size = False, common - loss, size - length
                have -= part
        elif length > 3:
            gain = sum(
                min(have[word] + count, wanted[word]) - min(have[word], wanted[word])
                for word, count in part.items()
            )
            if gain == length and (common + gain) * (size + aim) > common * (size + length + aim):
                labels[number], common, size = True, common + gain, size + length
                have += part
    copies = {text for text, label in zip(texts, labels, strict=True) if label and len(text) > 25}
    return np.array([label or text in copies for text, label in zip(texts, labels, strict=True)])


def phrase_labels(
    texts: Sequence[str], html: str, present: Sequence[str], absent: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of a page with phrases, and how much each is trusted."""
    from trafilatura import extract

    plain = extract_plain_text(
        html, main_content=True, comments=False, post_meta=False, alt_texts=False
    )
    votes = _TRAFILATURA * aligned_share(
        texts, extract(html, include_comments=False) or ""
    ) + _RESILIPARSE * aligned_share(texts, plain)
    labels, trust = votes > _MAJORITY, np.clip(np.abs(votes - _MAJORITY) / _MAJORITY, 0.15, 1)
    spaced = [one_space(text) for text in texts]
    for phrases, label in ((present, True), (absent, False)):
        for phrase in filter(lambda found: len(found) > 3, map(one_space, phrases)):
            for number, text in enumerate(spaced):
                if phrase in text or (len(text) > 8 and text in phrase):
                    labels[number], trust[number] = label, 1.5
    return labels, trust


def read_lessons(folder: Path) -> list[Lesson]:
    """The pages of both sets that have blocks."""
    lessons = []
    for gold in read_gold_pages(folder):
        if page := _measured(gold.html):
            texts = page.blocks.texts
            labels = gold_labels(texts, gold.text)
            lessons.append(
                Lesson(gold.url, gold.kind, page, labels, block_weights(texts), gold=gold)
            )
    for expected in read_expected_pages(folder):
        if page := _measured(expected.html):
            texts, phrases = page.blocks.texts, (expected.present, expected.absent)
            labels, trust = phrase_labels(texts, expected.html, *phrases)
            weights = _PHRASE_PAGE * trust * block_weights(texts)
            lessons.append(Lesson(expected.url, "phrases", page, labels, weights, phrases=phrases))
    return lessons


def block_weights(texts: Sequence[str]) -> np.ndarray:
    """Weights of a page's blocks, which add up to 1: seven tenths by words, three tenths the same for each."""
    words = np.array([len(words_of(text)) for text in texts])
    return 0.7 * words / max(1, words.sum()) + 0.3 / len(texts)


def _measured(html: str) -> Measured | None:
    tree = HTMLTree.parse(html)
    page, _, blocks = candidates(tree)
    if not blocks.texts:
        return None
    places = block_places(page, blocks)
    features, names = block_features(page, blocks, places)
    return Measured(blocks, places, product_reviews(tree, blocks), features, names)


def learn(lessons: Sequence[Lesson]):  # type: ignore[no-untyped-def]
    from catboost import CatBoostClassifier

    weights = np.concatenate([lesson.weights for lesson in lessons])
    model = CatBoostClassifier(**_SETTINGS)
    features = np.concatenate([lesson.page.features for lesson in lessons], axis=1).T
    model.fit(
        features,
        np.concatenate([lesson.labels for lesson in lessons]),
        sample_weight=weights / weights.mean(),
    )
    return model


def write_model(model, names: Sequence[str], path: Path) -> None:  # type: ignore[no-untyped-def]
    """CatBoost's oblivious trees as arrays; see `transforms/sources/block_model.py`. Features that no split asks for are left out."""
    stored = path.with_suffix(".json")
    model.save_model(str(stored), format="json")
    described = json.loads(stored.read_text())
    stored.unlink()
    trees = [
        tree for tree in described["oblivious_trees"] if len(tree["splits"]) == _SETTINGS["depth"]
    ]
    assert len(trees) == len(described["oblivious_trees"]), "trees of other depths"
    splits = np.array(
        [[split["float_feature_index"] for split in tree["splits"]] for tree in trees]
    )
    used = np.unique(splits)
    scale, (bias,) = described["scale_and_bias"]
    np.savez_compressed(
        path,
        names=np.array([names[number] for number in used]),
        splits=np.searchsorted(used, splits).astype(np.uint16),
        thresholds=np.array(
            [[split["border"] for split in tree["splits"]] for tree in trees], np.float32
        ),
        leaves=np.round(
            np.array([tree["leaf_values"] for tree in trees]) * scale * LEAF_SCALE
        ).astype(np.int32),
        bias=np.int64(round(bias * LEAF_SCALE)),
    )


def text_by(model, page: Measured) -> str:  # type: ignore[no-untyped-def]
    """The text that a model takes from a page, a line for each block."""
    likely = model.predict_proba(page.features.T)[:, 1]
    words = page.features[page.names.index("words")].astype(np.float64)
    chosen = choose_blocks(page.blocks, page.places, likely, words, reviews=page.reviews)
    return "\n".join(text for text, taken in zip(page.blocks.texts, chosen, strict=True) if taken)


def fold_of(url: str, folds: int) -> int:
    """Pages of one site (last two parts of the host name) are in one fold."""
    site = ".".join((urlsplit(url).hostname or "").split(".")[-2:])
    return int.from_bytes(hashlib.blake2b(site.encode(), digest_size=4).digest(), "big") % folds


def report(lessons: Sequence[Lesson], texts: Sequence[str]) -> None:
    """Prints the mean word F1 by kind of page, and the F1 of phrases.

    Pages without a block are no lessons, since there is nothing to choose; they count here.
    """
    scores: dict[str, list[float]] = defaultdict(list)
    learned = {lesson.url for lesson in lessons if lesson.gold}
    for page in read_gold_pages(DATA):
        if page.url not in learned:
            for kind in (page.kind, "all"):
                scores[kind].append(word_f1("", page.text))
    found: Counter[tuple[str, bool]] = Counter()
    for lesson, text in zip(lessons, texts, strict=True):
        if lesson.gold:
            for kind in (lesson.kind, "all"):
                scores[kind].append(word_f1(text, lesson.gold.text))
        for kind, phrases in zip(("present", "absent"), lesson.phrases, strict=True):
            found.update((kind, one_space(phrase) in one_space(text)) for phrase in phrases)
    for kind, values in sorted(scores.items()):
        print(f"{kind:14} {len(values):5} {statistics.fmean(values):6.4f}")
    tp, fn, fp = found[("present", True)], found[("present", False)], found[("absent", True)]
    print(f"phrases: F1 {2 * tp / (2 * tp + fp + fn):.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    lessons = read_lessons(DATA)
    if arguments.folds:
        texts = [""] * len(lessons)
        for fold in range(arguments.folds):
            model = learn(
                [lesson for lesson in lessons if fold_of(lesson.url, arguments.folds) != fold]
            )
            for number, lesson in enumerate(lessons):
                if fold_of(lesson.url, arguments.folds) == fold:
                    texts[number] = text_by(model, lesson.page)
        report(lessons, texts)
    if arguments.write:
        write_model(learn(lessons), lessons[0].page.names, MODEL)


if __name__ == "__main__":
    main()
