"""The configuration's tables and keys, their types, ranges, defaults and meanings: frozen dataclasses that check themselves."""

from dataclasses import MISSING, field, fields
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass

from training.config import TrainConfig
from transforms.dedup.keep_order import QUALITY, score_columns
from transforms.dedup.settings import DedupConfig
from transforms.filters.language import DEFAULT_THRESHOLD, find_labels
from transforms.filters.registry import FILTERS, check_filter, expand_presets
from transforms.sources.common_crawl import BASE, is_crawl_name, parse_crawl_name
from transforms.sources.file_kinds import AUTO
from transforms.sources.html import check_extractor
from transforms.sources.registry import KINDS, SourceKind
from transforms.tokens.patterns import PATTERNS, find_pattern
from transforms.tokens.train import END_OF_TEXT

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"


def as_list(value: Any) -> Any:
    """A string where a list may stand -> a list of it; all else as it is."""
    return [value] if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True, config=STRICT)
class FilterConfig:
    """One quality filter: a name of the registry and options that differ from its defaults."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_toml(cls, value: Any) -> Any:
        """Accepts "gopher" and { name = "length", at_least = 200 }."""
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and "options" not in value:
            return {"name": value.get("name"), "options": {key: option for key, option in value.items() if key != "name"}}
        return value

    @model_validator(mode="after")
    def _check(self) -> "FilterConfig":
        check_filter(self.name, self.options)
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SourceConfig:
    kind: Annotated[
        str, Field(description=f"what the files are: {', '.join(KINDS)}, a kind of a plugin, or auto: each as its name and content say")
    ]
    paths: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="files, globs or folders, on any file system, relative to this file; Common Crawl by name: "
            '"cc:CC-MAIN-2024-22/warc[0:4]"; the Hugging Face Hub: "hf://datasets/ORG/NAME/*.parquet"',
        ),
    ]
    quality: Annotated[
        tuple[FilterConfig, ...],
        Field(description='a preset, or filters in order: ["gopher", { name = "length", at_least = 200 }]'),
    ] = ()
    fields: Annotated[
        dict[Literal["text", "url", "title", "published"], str],
        Field(description='jsonl, csv, parquet, arrow: which key or column holds which field, or a path to it: { url = "meta.url" }'),
    ] = field(default_factory=dict)
    keep_columns: Annotated[
        tuple[str, ...],
        Field(description="jsonl, csv, parquet, arrow: columns of yours, or paths to them, that go with the documents to their exports"),
    ] = ()
    delimiter: Annotated[
        str | None, Field(pattern=r'^[^"\r\n]$', description="csv: the character between fields; the header line tells when not set")
    ] = None
    max_payload_megabytes: Annotated[
        float | None, Field(gt=0, description="warc: a response with a larger body, decoded, in MB, is rejected; 64 when not set")
    ] = None
    truncated: Annotated[
        Literal["keep", "reject"],
        Field(description="warc, wet: what becomes of a text that is known to be cut short, by the crawler or on its way"),
    ] = "keep"
    split: Annotated[
        bool, Field(description="several workers may read one large file: warc.gz, wet.gz, parquet and uncompressed jsonl")
    ] = True
    reflow: Annotated[bool, Field(description="text: undo hard wraps and hyphenation at line ends where a text has them")] = True
    extractor: Annotated[
        Literal["tokenmill", "resiliparse", "trafilatura"],
        Field(description="warc, html: what finds the main text: ours, or others to compare with; trafilatura is slower, and an extra"),
    ] = "tokenmill"
    output: Annotated[
        Literal["text", "markdown"],
        Field(
            description="warc, html, epub, wikipedia: plain text, or GitHub-flavoured Markdown with headings, lists, tables, code, formulas"
        ),
    ] = "text"
    links: Annotated[
        bool | None,
        Field(description="Markdown keeps the addresses of links, not only their text; when not set it does for kind markdown only"),
    ] = None
    options: Annotated[dict[str, Any], Field(description="options of a plugin's kind")] = field(default_factory=dict)

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in KINDS and kind != AUTO:
            raise ValueError(f"it is not a kind of source; there are {', '.join(KINDS)}, {AUTO}")
        return kind

    @field_validator("paths", "keep_columns", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return as_list(value)

    @field_validator("quality", mode="before")
    @classmethod
    def _write_out_presets(cls, value: Any, info: ValidationInfo) -> Any:
        entries = [value] if isinstance(value, str) else value
        return expand_presets(entries, kind=info.data.get("kind", "")) if isinstance(entries, list | tuple) else entries

    @model_validator(mode="after")
    def _check(self) -> "SourceConfig":
        for name in {option for kind in KINDS.values() for option in kind.options} - set(self._option_names()):
            if getattr(self, name) != _default_of(self, name):
                raise ValueError(f"{name!r} is not for kind {self.kind!r}")
        own = KINDS[self.kind].own_options() if self.kind in KINDS else {}
        for name in self.options:
            if name not in own:
                raise ValueError(f"{name!r} is not an option of kind {self.kind!r}; it has {', '.join(own) or 'none'}")
        for name, parameter in own.items():
            if parameter.default is parameter.empty and name not in self.options:
                raise ValueError(f"kind {self.kind!r} needs the option {name!r}")
        for path in filter(is_crawl_name, self.paths):
            if (kind := parse_crawl_name(path).kind) != self.kind and self.kind != AUTO:
                raise ValueError(f"{path!r} are files of kind {kind!r}, not {self.kind!r}")
        if len(set(self.keep_columns)) < len(self.keep_columns) or "" in self.keep_columns:
            raise ValueError("keep_columns names a column twice, or one without a name")
        check_extractor(self.extractor, self.output)
        return self

    def splits(self, path: str, kind: str = "") -> bool:
        """Whether a file of this source may be read in ranges. `kind`: its own in a source of kind `auto`."""
        return self.split and KINDS[kind or self.kind].can_split(path)

    def reader_options(self) -> dict[str, Any]:
        """The options of the kind's reader; of kind `auto` those of all kinds, of which each reader takes its own."""
        return {name: getattr(self, name) for name in self._option_names()} | self.options

    def _option_names(self) -> tuple[str, ...]:
        kinds: list[SourceKind] = [KINDS[self.kind]] if self.kind != AUTO else [kind for kind in KINDS.values() if not kind.plugin]
        return tuple(dict.fromkeys(name for kind in kinds for name in kind.options))


def _default_of(config: Any, name: str) -> Any:
    entry = next(entry for entry in fields(config) if entry.name == name)
    return entry.default if entry.default_factory is MISSING else entry.default_factory()


def _check_threshold(value: Any) -> Any:
    """A number, or a table of numbers with an optional `default`; one with nothing else is that number."""
    values = value if isinstance(value, dict) else {"default": value}
    for name, number in values.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
            raise ValueError(f"{name} = {number!r} is not a number from 0 to 1; write 0.65 or {{ default = 0.65, sw = 0.4 }}")
    return values["default"] if list(values) == ["default"] else {name: float(number) for name, number in values.items()}


def _check_lowercase(value: Any) -> Any:
    if not isinstance(value, bool) and value != "auto":
        raise ValueError('it is true, false or "auto"')
    return value


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LanguageConfig:
    identify: Annotated[
        bool, Field(description="say which language each document is in; without, keep must be empty and filters may not ask for it")
    ] = True
    keep: Annotated[
        tuple[str, ...],
        Field(description='languages to keep, as "en", "eng", "eng_Latn" or labels of the model; empty keeps all'),
    ] = ()
    threshold: Annotated[
        float | dict[str, float],
        BeforeValidator(_check_threshold),
        Field(description="least probability of the language, or one for some: { default = 0.65, sw = 0.4 }"),
    ] = DEFAULT_THRESHOLD
    characters: Annotated[int, Field(ge=1, description="how many characters of a document are looked at")] = 3000
    model: Annotated[str | None, Field(description="path or URL of a fastText model; the bundled lid.176.ftz when not set")] = None
    screen: Annotated[
        bool,
        Field(description="warc, html: pages of which a sample is surely (0.8) of another language are not extracted; never with signals"),
    ] = True
    lowercase: Annotated[
        bool | Literal["auto"],
        BeforeValidator(_check_lowercase),
        Field(description='the model reads small letters; "auto": lid.176 always, another only texts that are in capitals'),
    ] = "auto"

    @model_validator(mode="after")
    def _check(self) -> "LanguageConfig":
        if self.keep and not self.identify:
            raise ValueError("keep names languages, which are not known with identify = false")
        named = [code for code in self.threshold if code != "default"] if isinstance(self.threshold, dict) else []
        for code in (*self.keep, *named):
            find_labels(code, self.model)
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TokenizerConfig:
    method: Annotated[
        Literal["counted", "sample"],
        Field(description='"counted": learn from the pre-tokens of the whole corpus, counted; "sample": the reference trainer on a sample'),
    ] = "counted"
    vocabulary: Annotated[
        int,
        Field(ge=258, le=1 << 20, description="tokens, the 256 bytes and special tokens included; a model pads to a multiple of 128"),
    ] = 32768
    minimum_frequency: Annotated[int, Field(ge=1, description="a pair seen less often is not merged")] = 2
    pattern: Annotated[
        str,
        Field(description=f"how text is cut before merging: {', '.join(PATTERNS)}, or a regular expression of your own"),
    ] = "gpt4"
    normalization: Annotated[
        Literal["none", "nfc"], Field(description="what the tokenizer does to text first; documents are NFC already")
    ] = "none"
    end_of_text: Annotated[str, Field(min_length=1, description="the token that ends a document, id 0, or its name in a `file`")] = (
        END_OF_TEXT
    )
    special_tokens: Annotated[
        tuple[str, ...], Field(description="more tokens that no text becomes, ids from 1: the marks of a chat, or spare ones")
    ] = ("<|im_start|>", "<|im_end|>")
    sample_megabytes: Annotated[
        float, Field(gt=0, description="sample: text to learn from, in MB; documents are drawn by a hash of their id")
    ] = 200.0
    minimum_count: Annotated[int, Field(ge=1, description="counted: a pre-token seen less often in the corpus is left out")] = 1
    max_pretokens: Annotated[
        int, Field(ge=1, description="counted: distinct pre-tokens to learn from, about 0.5 GB a million; of more, the rarest are left out")
    ] = 5_000_000
    measure_megabytes: Annotated[
        float, Field(gt=0, description="text on which the tokenizer is measured and must give back every document, in MB")
    ] = 10.0
    file: Annotated[str | None, Field(min_length=1, description="a byte-level tokenizer.json to use; nothing is learned then")] = None
    compare: Annotated[tuple[str, ...], Field(description="other tokenizer.json files to measure on the same text")] = ()

    @field_validator("pattern")
    @classmethod
    def _known(cls, pattern: str) -> str:
        find_pattern(pattern)
        return pattern

    @field_validator("compare", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return as_list(value)

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
            raise ValueError("special_tokens and end_of_text must differ, and have at least two characters each")
        if self.vocabulary <= 256 + len(names):
            raise ValueError(f"vocabulary = {self.vocabulary}: 256 bytes and {len(names)} special tokens leave nothing to learn")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ShardsConfig:
    sequence_length: Annotated[int, Field(ge=8, le=1 << 20, description="T: tokens that a row predicts")] = 2048
    validation: Annotated[float, Field(ge=0, lt=1, description="share of documents held out, by a hash of their id")] = 0.005
    packing: Annotated[
        Literal["best-fit", "concat"],
        Field(description="how documents go into rows: whole wherever they fit, or one after the other and cut where a row ends"),
    ] = "best-fit"
    shard_megabytes: Annotated[float, Field(gt=0, description="aim for the size of one shard file, in MB")] = 256.0
    shard_count: Annotated[
        int, Field(ge=1, description="aim for at least so many shards in all, for workers to share, if each has 1 MB and 256 rows")
    ] = 16


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Config:
    """A whole run. Paths are absolute or URLs once loaded."""

    folder: Annotated[str, Field(min_length=1, description="the folder of the run: local, gs:// or s3://; relative to this file")]
    sources: Annotated[dict[Annotated[str, Field(pattern=NAME_PATTERN)], SourceConfig], Field(min_length=1)]
    seed: Annotated[
        int, Field(ge=0, lt=1 << 63, description="seed of the tokenizer's sample, the validation split and the order of rows")
    ] = 0
    workers: Annotated[
        int, Field(ge=0, description="worker processes on this machine; 0: as many as the work pays for, at most one a core")
    ] = 0
    plugins: Annotated[
        tuple[str, ...], Field(description='your own filters and sources: Python files or modules, ["./my_filters.py"]')
    ] = ()
    max_error_rate: Annotated[float, Field(ge=0, le=1, description="share of a source's unreadable records above which a run fails")] = 0.1
    signals: Annotated[bool, Field(description="also write every value that filters measure of every document, kept or not")] = False
    common_crawl: Annotated[str, Field(min_length=1, description='where "cc:" names lead: a URL, s3://commoncrawl/ or a folder')] = BASE
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
                raise ValueError(f"dedup.keep names source {name!r}; there are {', '.join(self.sources)}")
        for name in self.train.mixture:
            if name not in self.sources:
                raise ValueError(f"train.mixture names source {name!r}; there are {', '.join(self.sources)}")
        return self

    def _check_unidentified(self) -> None:
        for source, settings in self.sources.items():
            for item in settings.quality:
                if "language" in FILTERS[item.name].columns:
                    raise ValueError(
                        f"filter {item.name!r} of source {source!r} asks for the language; leave out language.identify = false"
                    )
        if QUALITY in score_columns(self.dedup.keep):
            raise ValueError("dedup.keep names 'quality', the score of the language; leave out language.identify = false")
