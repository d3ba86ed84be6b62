"""How text is cut into pre-tokens: published patterns by name, or any regular expression.

Nothing is merged across pre-tokens.
"""

import difflib
import re
from dataclasses import dataclass

from tokenizers import Regex, normalizers, pre_tokenizers

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_END = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_NAME = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True)
class Pattern:
    """A regular expression in the syntax of Oniguruma.

    Every match, and all text between matches, is a pre-token.

    `known`: one of `PATTERNS`, for which it is proven where text can be cut beforehand without
    changing a pre-token.
    """

    expression: str
    known: bool = False


PATTERNS = {
    # GPT-2 (Radford et al., 2019): case-sensitive contractions, digits in one piece.
    "gpt2": Pattern(
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", known=True
    ),
    # cl100k_base (OpenAI tiktoken, 2022): digits in groups of up to three, line ends apart from
    # other whitespace.
    "gpt4": Pattern(
        rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_END}", known=True
    ),
    # o200k_base (OpenAI tiktoken, 2024): as gpt4, with a cut where lower case turns to upper, and
    # contractions left with their word.
    "o200k": Pattern(
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTIONS}?|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTIONS}?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        known=True,
    ),
    # Qwen2 (2024): as gpt4, with every digit by itself.
    "split-digits": Pattern(
        rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_END}", known=True
    ),
}


def find_pattern(name: str) -> Pattern:
    """A pattern by its name, or by its expression.

    Raises ValueError for an unknown name or an invalid expression.
    """
    if name in PATTERNS:
        return PATTERNS[name]
    if not name or _NAME.fullmatch(name):
        near = difflib.get_close_matches(name, PATTERNS, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"it is no pattern; {meant}there are {', '.join(PATTERNS)}, "
            "or write a regular expression"
        )
    try:
        Regex(name)
    except Exception as error:  # the library raises bare Exception
        raise ValueError(f"it is not a regular expression of Oniguruma: {error}") from error
    return Pattern(name)


def splitter(pattern: Pattern) -> pre_tokenizers.PreTokenizer:
    """The pre-tokenizer of the reference library that cuts text by a pattern."""
    return pre_tokenizers.Split(Regex(pattern.expression), "isolated")


def normalizer(name: str) -> normalizers.Normalizer | None:
    """The normalizer that text passes before it is cut: "nfc", or "none"."""
    return normalizers.NFC() if name == "nfc" else None
