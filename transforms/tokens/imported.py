"""Tokenizers of other tools: which of them this tool can use."""

import json
from typing import Any

from transforms.errors import UserError
from transforms.tokens.encode import load_tokenizer

_REMEDY = (
    "name a byte-level BPE tokenizer.json, as those of GPT-2, Llama 3 or Qwen, "
    "or leave tokenizer.file out to train one"
)


def check_imported(data: bytes, *, path: str, end_of_text: str) -> None:
    """Raises UserError unless a tokenizer.json can be used.

    It must be byte-level BPE, deterministic and lossless, and have the special token `end_of_text`.
    """
    tokenizer = load_tokenizer(data, path=path, end_of_text=end_of_text)
    ids = tokenizer.get_vocab(with_added_tokens=True).values()
    if sorted(ids) != list(range(len(ids))):
        raise UserError(
            "its ids are not 0, 1, 2 and so on without gaps", where=path, remedy=_REMEDY
        )
    values = json.loads(data)
    for key, kind in (("model", "BPE"), ("decoder", "ByteLevel")):
        if (found := (values.get(key) or {}).get("type")) != kind:
            raise UserError(f"its {key} is {found}, not {kind}", where=path, remedy=_REMEDY)
    if dropout := values["model"].get("dropout"):
        what = (
            f"its model leaves out merges by chance (dropout = {dropout}), "
            "so the same text would become other tokens each time"
        )
        raise UserError(
            what,
            where=path,
            remedy='write "dropout": null in its model; '
            "a copy that trains with dropout can stay beside it",
        )
    if any(step.get("type") != "NFC" for step in _flat(values.get("normalizer"), "normalizers")):
        raise UserError(
            "its normalizer changes text otherwise than by NFC", where=path, remedy=_REMEDY
        )
    steps = _flat(values.get("pre_tokenizer"), "pretokenizers")
    last = steps[-1] if steps else {}
    if last.get("type") != "ByteLevel" or any(step.get("type") != "Split" for step in steps[:-1]):
        raise UserError(
            "its pre-tokenizer does not end by spelling bytes (Split, then ByteLevel)",
            where=path,
            remedy=_REMEDY,
        )
    if last.get("add_prefix_space"):
        raise UserError(
            "it adds a space before each text (add_prefix_space)", where=path, remedy=_REMEDY
        )
    if any(step.get("behavior") == "Removed" for step in steps[:-1]):
        raise UserError("its pre-tokenizer removes text", where=path, remedy=_REMEDY)
    special = {
        token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special
    }
    spelled = tokenizer.encode(end_of_text, add_special_tokens=False).ids
    if end_of_text not in special or tokenizer.token_to_id(end_of_text) in spelled:
        what = (
            f"text can spell its token {end_of_text}, so that a document could end inside another"
        )
        raise UserError(
            what, where=path, remedy="name a special token of it in tokenizer.end_of_text"
        )


def _flat(value: dict[str, Any] | None, inner: str) -> list[dict[str, Any]]:
    """A step, or the steps of a sequence."""
    if not value:
        return []
    return (
        [step for each in value[inner] for step in _flat(each, inner)]
        if value.get("type") == "Sequence"
        else [value]
    )
