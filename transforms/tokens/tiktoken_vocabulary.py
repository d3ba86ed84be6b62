"""What `tiktoken` needs of a tokenizer.json to give the same ids, and when it cannot.

tiktoken knows a vocabulary by the rank of each token and merges any two neighbours that make one;
`tokenizers` keeps a list of merges (Sennrich et al., 2016). Both give the same ids when

- the merges of a token are consecutive in the list, so that the token has one rank, and
- the merges make every token out of its own bytes.

For suppose tiktoken made a token out of two that are no merge, and take the shortest such token.
Those two were made by merges of the list in the order of the list, so `tokenizers`, given that
token's bytes alone, would come to the same two and stop.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer

GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""How `pre_tokenizers.ByteLevel` cuts text by default: the pattern of GPT-2 (Radford et al., 2019).
"""

_BEHAVIOURS = {("Isolated", False): True, ("Isolated", True): True, ("Removed", True): False}
"""(behaviour, inverted) of a Split that keeps what its pattern finds, and whether it also keeps
what lies between.
"""


_READ_ALIKE = re.compile(
    r"""(?: [^\\\[\](){}.^$|?*+]                                            # a character
          | \\[pP]\{\^?\w+\} | \\[sSdDrnt] | \\[^\w\s]     # a class of characters, an escaped one
          | \[\^?(?: \\[pP]\{\^?\w+\} | \\[sSdDrnt] | \\[^\w\s] | [^\[\]\\&^] )+\]
          | \(\?i?: | \(\?[=!] | \((?!\?) | \) | \|        # groups, looking ahead, alternatives
          | (?:[?*+] | \{\d*,?\d*\}(?!\+)) )+""",
    re.VERBOSE,
)
"""Expressions that Oniguruma and tiktoken's engine read alike.

`^`, `$`, `.` and (?m:), for instance, mean other things at line ends.
"""


class Unrepresentable(Exception):
    """A property of a tokenizer that tiktoken does not have; the message names it."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """A tokenizer in tiktoken's terms.

    pattern     how text is cut
    keeps_gaps  text between what the pattern finds is encoded, too; tiktoken leaves it out
    tokens      the bytes of the token of each rank, in the order of merging
    ids         uint32 (ranks,): the id of each
    """

    pattern: str
    keeps_gaps: bool
    tokens: list[bytes]
    ids: np.ndarray


def tiktoken_vocabulary(data: bytes, *, checked_by: Tokenizer | None = None) -> Vocabulary:
    """The bytes of a tokenizer.json -> what gives the same ids.

    Raises Unrepresentable if nothing does.

    `checked_by`: the same tokenizer, opened, which tells whether merges make each token; None if
    that is known already.
    """
    definition = json.loads(data)
    if definition.get("truncation") or definition.get("padding"):
        raise Unrepresentable("it truncates or pads texts")
    for token in definition.get("added_tokens") or ():
        if not token["special"]:
            raise Unrepresentable(
                f"its added token {token['content']!r} is not special: it is looked for in texts"
            )
    model = definition["model"]
    if model.get("type") != "BPE":
        raise Unrepresentable(f"its model is {model.get('type')}, not BPE")
    for option in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if model.get(option):
            raise Unrepresentable(f"its model has {option}")
    pattern, keeps_gaps = _pattern(definition.get("pre_tokenizer"))
    if not _READ_ALIKE.fullmatch(pattern):
        raise Unrepresentable(
            "its pattern has what engines of regular expressions may read differently"
        )
    names = _names_by_rank(model["vocab"], model["merges"])
    if checked_by is not None:
        _check_merges(checked_by, model, names)
    ids = np.array([model["vocab"][name] for name in names], np.uint32)
    table = {ord(letter): chr(byte) for letter, byte in _spelling().items()}
    return Vocabulary(
        pattern, keeps_gaps, [name.translate(table).encode("latin-1") for name in names], ids
    )


def _pattern(definition: dict[str, Any] | None) -> tuple[str, bool]:
    """The pattern of a pre-tokenizer, and whether it keeps what the pattern does not find."""
    *steps, last = _steps(definition) or [{}]
    if last.get("type") != "ByteLevel":
        raise Unrepresentable("its pre-tokenizer does not end in ByteLevel")
    if last.get("add_prefix_space"):
        raise Unrepresentable("its pre-tokenizer puts a space before each text")
    if last.get("use_regex", True):
        if steps:
            raise Unrepresentable("its pre-tokenizer cuts more than once")
        return GPT2_PATTERN, True
    if [step["type"] for step in steps] != ["Split"]:
        raise Unrepresentable("its pre-tokenizer is not one Split and ByteLevel")
    split = steps[0]
    if "Regex" not in split["pattern"]:
        raise Unrepresentable("its pre-tokenizer cuts at a string")
    kind = (split["behavior"], bool(split["invert"]))
    if kind not in _BEHAVIOURS:
        raise Unrepresentable(f"its Split has the behaviour {kind[0]}" + ", inverted" * kind[1])
    return split["pattern"]["Regex"], _BEHAVIOURS[kind]


def _steps(definition: dict[str, Any] | None) -> list[dict[str, Any]]:
    if definition is None:
        return []
    if definition["type"] != "Sequence":
        return [definition]
    return [step for part in definition["pretokenizers"] for step in _steps(part)]


def _spelling() -> dict[str, int]:
    """The characters that stand for bytes in a byte-level vocabulary: character -> byte.

    After Radford et al. (2019).
    """
    printed = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printed]
    return {chr(byte): byte for byte in sorted(printed)} | {
        chr(256 + index): byte for index, byte in enumerate(others)
    }


def _names_by_rank(vocabulary: dict[str, int], merges: list[Any]) -> list[str]:
    """Tokens as the vocabulary spells them, by rank: single bytes, then what each merge makes."""
    spelling = _spelling()
    missing = sum(letter not in vocabulary for letter in spelling)
    if missing:
        raise Unrepresentable(f"its vocabulary lacks {missing} of the 256 bytes")
    made = ["".join(merge if isinstance(merge, list) else merge.split(" ")) for merge in merges]
    names = [
        *sorted(spelling, key=vocabulary.__getitem__),
        *(name for name, before in zip(made, ["", *made], strict=False) if name != before),
    ]
    if len(set(names)) < len(names):
        raise Unrepresentable("the merges that make one token do not stand together")
    if unknown := [name for name in names if name not in vocabulary]:
        raise Unrepresentable(f"its merges make {unknown[0]!r}, which is not in its vocabulary")
    if strange := sorted({*"".join(names)} - spelling.keys()):
        raise Unrepresentable(f"it is not byte-level: a token has the character {strange[0]!r}")
    return names


def _check_merges(tokenizer: Tokenizer, model: dict[str, Any], names: list[str]) -> None:
    """Raises Unrepresentable unless the merges make each token out of its bytes."""
    if model.get("ignore_merges"):
        # Such a model finds whole words in the vocabulary before it merges, as tiktoken does.
        loose = len(model["vocab"].keys() - {*names})
        if loose:
            raise Unrepresentable(
                f"it looks whole words up, among them {loose} that merges do not make"
            )
        tokenizer = Tokenizer.from_str(
            json.dumps(
                {"version": "1.0", "added_tokens": [], "model": model | {"ignore_merges": False}}
            )
        )
    tokenize: Callable[[str], list[Any]] = tokenizer.model.tokenize
    for name in names:
        found = tokenize(name)
        if len(found) != 1 or found[0].value != name:
            raise Unrepresentable(f"its merges do not make the token {name!r} out of its own bytes")
