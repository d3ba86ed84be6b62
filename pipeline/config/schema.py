"""The configuration's tables and keys, their types, ranges, defaults and meanings: frozen dataclasses that check themselves."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from training.config import TrainConfig
from transforms.config_types import STRICT, ConfigPaths, ResolvePath, absolute_path
from transforms.dedup.keep_order import QUALITY, score_columns
from transforms.dedup.settings import DedupConfig
from transforms.filters.registry import FILTERS
from transforms.ingest.settings import LanguageConfig, SourceConfig
from transforms.sources.common_crawl import BASE
from transforms.tokens.patterns import PATTERNS, find_pattern
from transforms.tokens.train import END_OF_TEXT

NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
NonEmptyPath = Annotated[str, Field(min_length=1), AfterValidator(ResolvePath(absolute_path))]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TokenizerConfig:
    """The table `[tokenizer]` of the configuration."""

    method: Annotated[
        Literal["counted", "sample"],
        Field(
            description='"counted": learn from the pre-tokens of the whole corpus, counted; "sample": the reference trainer on a sample'
        ),
    ] = "counted"
    vocabulary: Annotated[
        int,
        Field(
            ge=258,
            le=1 << 20,
            description="tokens, the 256 bytes and special tokens included; a model pads to a multiple of 128",
        ),
    ] = 32768
    minimum_frequency: Annotated[
        int, Field(ge=1, description="a pair seen less often is not merged")
    ] = 2
    pattern: Annotated[
        str,
        Field(
            description=f"how text is cut before merging: {', '.join(PATTERNS)}, or a regular expression of your own"
        ),
    ] = "gpt4"
    normalization: Annotated[
        Literal["none", "nfc"],
        Field(description="what the tokenizer does to text first; documents are NFC already"),
    ] = "none"
    end_of_text: Annotated[
        str,
        Field(
            min_length=1,
            description="the token that ends a document, id 0, or its name in a `file`",
        ),
    ] = END_OF_TEXT
    special_tokens: Annotated[
        tuple[str, ...],
        Field(
            description="more tokens that no text becomes, ids from 1: the marks of a chat, or spare ones"
        ),
    ] = ("<|im_start|>", "<|im_end|>")
    sample_megabytes: Annotated[
        float,
        Field(
            gt=0,
            description="sample: text to learn from, in MB; documents are drawn by a hash of their id",
        ),
    ] = 200.0
    minimum_count: Annotated[
        int,
        Field(ge=1, description="counted: a pre-token seen less often in the corpus is left out"),
    ] = 1
    max_pretokens: Annotated[
        int,
        Field(
            ge=1,
            description="counted: distinct pre-tokens to learn from, about 0.5 GB a million; of more, the rarest are left out",
        ),
    ] = 5_000_000
    measure_megabytes: Annotated[
        float,
        Field(
            gt=0,
            description="text on which the tokenizer is measured and must give back every document, in MB",
        ),
    ] = 10.0
    file: Annotated[
        NonEmptyPath | None,
        Field(description="a byte-level tokenizer.json to use; nothing is learned then"),
    ] = None
    compare: Annotated[
        ConfigPaths, Field(description="other tokenizer.json files to measure on the same text")
    ] = ()

    @field_validator("pattern")
    @classmethod
    def _known(cls, pattern: str) -> str:
        find_pattern(pattern)
        return pattern

    @property
    def all_special_tokens(self) -> tuple[str, ...]:
        """The end of text, id 0, and the others."""
        return (self.end_of_text, *self.special_tokens)

    @model_validator(mode="after")
    def _check(self) -> "TokenizerConfig":
        if self.file is not None:
            return self
        names = self.all_special_tokens
        if len(set(names)) < len(names) or min(map(len, names)) < 2:
            raise ValueError(
                "special_tokens and end_of_text must differ, and have at least two characters each"
            )
        if self.vocabulary <= 256 + len(names):
            raise ValueError(
                f"vocabulary = {self.vocabulary}: 256 bytes and {len(names)} special tokens leave nothing to learn"
            )
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ShardsConfig:
    """The table `[shards]` of the configuration."""

    sequence_length: Annotated[
        int, Field(ge=8, le=1 << 20, description="T: tokens that a row predicts")
    ] = 2048
    validation: Annotated[
        float, Field(ge=0, lt=1, description="share of documents held out, by a hash of their id")
    ] = 0.005
    packing: Annotated[
        Literal["best-fit", "concat"],
        Field(
            description="how documents go into rows: whole wherever they fit, or one after the other and cut where a row ends"
        ),
    ] = "best-fit"
    shard_megabytes: Annotated[
        float, Field(gt=0, description="aim for the size of one shard file, in MB")
    ] = 256.0
    shard_count: Annotated[
        int,
        Field(
            ge=1,
            description="aim for at least so many shards in all, for workers to share, if each has 1 MB and 256 rows",
        ),
    ] = 16


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Config:
    """A whole run. Paths are absolute or URLs once loaded."""

    folder: Annotated[
        NonEmptyPath,
        Field(description="the folder of the run: local, gs:// or s3://; relative to this file"),
    ]
    sources: Annotated[
        dict[Annotated[str, Field(pattern=NAME_PATTERN)], SourceConfig], Field(min_length=1)
    ]
    seed: Annotated[
        int,
        Field(
            ge=0,
            lt=1 << 63,
            description="seed of the tokenizer's sample, the validation split and the order of rows",
        ),
    ] = 0
    workers: Annotated[
        int,
        Field(
            ge=0,
            description="worker processes on this machine; 0: as many as the work pays for, at most one a core",
        ),
    ] = 0
    plugins: Annotated[
        tuple[str, ...],
        Field(
            description='your own filters and sources: Python files or modules, ["./my_filters.py"]'
        ),
    ] = ()
    max_error_rate: Annotated[
        float,
        Field(
            ge=0, le=1, description="share of a source's unreadable records above which a run fails"
        ),
    ] = 0.1
    signals: Annotated[
        bool,
        Field(
            description="also write every value that filters measure of every document, kept or not"
        ),
    ] = False
    common_crawl: Annotated[
        NonEmptyPath,
        Field(description='where "cc:" names lead: a URL, s3://commoncrawl/ or a folder'),
    ] = BASE
    language: LanguageConfig = field(default_factory=LanguageConfig)
    dedup: DedupConfig = field(default_factory=DedupConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    shards: ShardsConfig = field(default_factory=ShardsConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    @model_validator(mode="after")
    def _check(self) -> "Config":
        if not self.language.identify:
            self._check_unidentified()
        for policy in self.dedup.keep:
            name = policy.removeprefix("source:")
            if name != policy and name not in self.sources:
                raise ValueError(
                    f"dedup.keep names source {name!r}; there are {', '.join(self.sources)}"
                )
        for name in self.train.mixture:
            if name not in self.sources:
                raise ValueError(
                    f"train.mixture names source {name!r}; there are {', '.join(self.sources)}"
                )
        return self

    def _check_unidentified(self) -> None:
        for source, settings in self.sources.items():
            for item in settings.quality:
                if "language" in FILTERS[item.name].columns:
                    raise ValueError(
                        f"filter {item.name!r} of source {source!r} asks for the language; leave out language.identify = false"
                    )
        if QUALITY in score_columns(self.dedup.keep):
            raise ValueError(
                "dedup.keep names 'quality', the score of the language; leave out language.identify = false"
            )
