"""Text generation: prefill, a key-value cache of fixed size, and reproducible sampling."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from tokenizers import Tokenizer

from training.checkpoint import LoadedModel, load_model
from training.model import KeyValueCache
from transforms.errors import ConfigError, UserError

Finish = Literal["end-of-text", "length"]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One generated token.

    token            the token id
    text             the text that can be shown now: empty while a character is incomplete, else all
                     text since the last piece
    log_probability  nats, of the model before temperature, top-k and top-p
    """

    token: int
    text: str
    log_probability: float


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A finished request.

    `tokens` and `text` are generated, without prompt and end-of-text. `prompt_tokens` includes the
    end-of-text token that every prompt begins with.
    """

    prompt_tokens: tuple[int, ...]
    tokens: tuple[int, ...]
    text: str
    finish: Finish


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """The sampling options: temperature 0 is greedy; `top_k` 0 and `top_p` 1 exclude no token."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and self.top_k >= 0 and 0 < self.top_p <= 1):
            raise ConfigError(
                f"temperature = {self.temperature}, top_k = {self.top_k}, top_p = {self.top_p} "
                "cannot be sampled with",
                where="generate",
                remedy="choose temperature >= 0, top_k >= 0 and 0 < top_p <= 1",
            )


def restrict(logits: torch.Tensor, *, top_k: int, top_p: float) -> torch.Tensor:
    """Set the logits (V,) of excluded tokens to -inf.

    Kept are the `top_k` largest, and of these the most likely ones up to probability `top_p`.
    """
    if 0 < top_k < len(logits):
        logits = torch.full_like(logits, -torch.inf).index_copy(
            0, kept := logits.topk(top_k).indices, logits[kept]
        )
    if top_p < 1:
        probability, order = logits.softmax(0).sort(descending=True, stable=True)
        logits = logits.index_fill(
            0, order[probability.cumsum(0) - probability >= top_p], -torch.inf
        )
    return logits


def choose(logits: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """Draw a token id from logits (V,).

    Each draw takes V numbers from the generator and selects the token with the largest logit plus
    Gumbel noise. Rounding in the logits, as between a cached and a full pass, then changes the
    token only if two tokens are equal up to rounding.
    """
    noise = torch.empty(len(logits), dtype=torch.float64).exponential_(generator=generator)
    if sampling.temperature == 0:
        return int(logits.argmax())
    scaled = restrict(
        logits.double() / sampling.temperature, top_k=sampling.top_k, top_p=sampling.top_p
    )
    return int((scaled - noise.log()).argmax())


class TextStream:
    """An incremental decoder: takes token ids, returns text as soon as its characters are complete.

    The concatenated pieces equal the text of all ids.
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        # Ids before `_end` are decoded; those from `_shown` on are the context of the next piece.
        self._shown, self._end = (0, 0)

    def push(self, token: int) -> str:
        """Add a token; returns the text that is now complete, "" if there is none."""
        self._ids.append(token)
        return self._advance(final=False)

    def flush(self) -> str:
        """Return the text held back, with incomplete characters as U+FFFD."""
        return self._advance(final=True)

    def _advance(self, *, final: bool) -> str:
        before = self._decode(self._ids[self._shown : self._end])
        after = self._decode(self._ids[self._shown :])
        if not final and after.endswith("\ufffd"):
            return ""
        self._shown, self._end = self._end, len(self._ids)
        return after[len(before) :]

    def _decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True)


class TextGenerator:
    """A model with its tokenizer that serves any number of requests."""

    def __init__(self, model: LoadedModel):
        self.model = model
        self.tokenizer = Tokenizer.from_file(model.tokenizer)
        # A prompt that contains "<|endoftext|>" is encoded as text, not as the special token.
        self.tokenizer.encode_special_tokens = True

    def encode(self, prompt: str) -> tuple[int, ...]:
        """Encode a prompt: the end-of-text token, then the ids of the text."""
        return (
            self.model.end_of_text,
            *self.tokenizer.encode(prompt, add_special_tokens=False).ids,
        )

    def stream(
        self, prompt: str, *, max_tokens: int, sampling: Sampling | None = None, seed: int = 0
    ) -> Iterator[Piece]:
        """Yield tokens as they are generated.

        Stops at end-of-text, which is not yielded, after `max_tokens`, or when the sequence length
        is reached.
        """
        text = TextStream(self.tokenizer)
        held: Piece | None = None
        for token, log_probability in self._tokens(
            self.encode(prompt), (), max_tokens, sampling or Sampling(), seed
        ):
            if held is not None:
                yield held
            held = Piece(token=token, text=text.push(token), log_probability=log_probability)
        if held is not None:
            yield Piece(
                token=held.token,
                text=held.text + text.flush(),
                log_probability=held.log_probability,
            )

    def generate(
        self,
        prompt: str,
        *,
        max_tokens: int,
        sampling: Sampling | None = None,
        seed: int = 0,
        after: Generation | None = None,
    ) -> Generation:
        """Generate up to `max_tokens` tokens.

        With `after`, an earlier generation of the same request, continue it: N tokens generated
        twice equal 2 N tokens generated once.
        """
        prompt_tokens = self.encode(prompt)
        before = after.tokens if after is not None else ()
        if after is not None and (
            after.prompt_tokens != prompt_tokens or after.finish == "end-of-text"
        ):
            if after.prompt_tokens == prompt_tokens:
                return after
            raise ValueError("`after` is a generation of another prompt")
        new = tuple(
            token
            for token, _ in self._tokens(
                prompt_tokens, before, max_tokens, sampling or Sampling(), seed
            )
        )
        tokens = before + new
        full = len(prompt_tokens) + len(tokens) > self.model.decoder.config.sequence_length
        finish: Finish = "length" if len(new) == max_tokens or full else "end-of-text"
        return Generation(
            prompt_tokens=prompt_tokens,
            tokens=tokens,
            text=self.tokenizer.decode(list(tokens), skip_special_tokens=True),
            finish=finish,
        )

    @torch.no_grad()
    def _tokens(
        self,
        prompt: tuple[int, ...],
        before: tuple[int, ...],
        max_tokens: int,
        sampling: Sampling,
        seed: int,
    ) -> Iterator[tuple[int, float]]:
        """Draw the tokens that follow prompt + before; yields (token, log probability in nats)."""
        decoder, device = self.model.decoder, self.model.device
        context = [*prompt, *before]
        longest = decoder.config.sequence_length
        if len(prompt) > longest:
            raise UserError(
                f"the prompt has {len(prompt)} tokens, the model reads {longest}",
                where="prompt",
                remedy="shorten the prompt",
            )
        room = min(max_tokens, longest + 1 - len(context))
        if room <= 0:
            return
        generator = torch.Generator().manual_seed(seed)
        vocabulary = decoder.config.vocabulary_size
        for _ in before:
            torch.empty(vocabulary, dtype=torch.float64).exponential_(generator=generator)
        cache = KeyValueCache(
            decoder.config, batch=1, capacity=len(context) + room - 1, device=device
        )
        fed = context
        for _ in range(room):
            logits = decoder(torch.tensor([fed], device=device), cache=cache)[0, -1].float().cpu()
            token = choose(logits, sampling, generator)
            if token == self.model.end_of_text:
                return
            yield token, float(logits.log_softmax(0)[token])
            fed = [token]


def generate(
    model_folder: str,
    *,
    prompt: str,
    max_tokens: int = 128,
    sampling: Sampling | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Generation:
    """Continue a prompt with a trained model; equal arguments give equal text.

    `max_tokens` is in tokens. Temperature 0 is greedy. Raises UserError like `load_model`.
    """
    generator = TextGenerator(load_model(model_folder, device=device))
    return generator.generate(prompt, max_tokens=max_tokens, sampling=sampling, seed=seed)


def stream(
    model_folder: str,
    *,
    prompt: str,
    max_tokens: int = 128,
    sampling: Sampling | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Iterator[Piece]:
    """Continue a prompt like `generate`, yielding one token at a time."""
    generator = TextGenerator(load_model(model_folder, device=device))
    return generator.stream(prompt, max_tokens=max_tokens, sampling=sampling, seed=seed)
