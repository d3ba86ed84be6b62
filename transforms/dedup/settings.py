"""The settings of deduplication: the `[dedup]` table of the configuration."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from transforms.config_types import STRICT, ConfigPaths, ConfigPatterns
from transforms.dedup.keep_order import DROP_ALL, parse_policy
from transforms.dedup.near.bands import RECALL, choose_bands

_MEMORY = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>[MG]B)")
_UNITS = {"MB": 10**6, "GB": 10**9}


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DedupConfig:
    """How duplicates are found and which of them are kept.

    Raises pydantic.ValidationError for a wrong or unknown value.
    """

    enabled: Annotated[bool, Field(description="look for duplicates at all")] = True
    jaccard: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="two documents are near-duplicates when the Jaccard similarity "
            "of their word n-grams is at least this",
        ),
    ] = 0.8
    similarity: Annotated[
        Literal["jaccard", "containment"],
        Field(
            description="'jaccard': common n-grams over all n-grams of both; "
            "'containment': over those of the document that has fewer, "
            'which also finds quotations, needs keep = ["longest", ...], '
            "and bands and rows for pairs of lower Jaccard similarity"
        ),
    ] = "jaccard"
    unit: Annotated[
        Literal["words", "characters"], Field(description="what an n-gram is made of")
    ] = "words"
    ngram: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="words or characters in an n-gram; a text with fewer is one n-gram",
        ),
    ] = 5
    permutations: Annotated[
        int,
        Field(
            ge=1,
            le=4096,
            description="values of a MinHash signature; bands times rows is at most this",
        ),
    ] = 126
    bands: Annotated[
        int,
        Field(
            ge=0,
            le=1024,
            description="bands of the signature; two documents that agree in one are compared. "
            "0, with rows = 0: chosen so that a pair of "
            f"similarity `jaccard` is found with probability {RECALL} or more",
        ),
    ] = 0
    rows: Annotated[
        int,
        Field(
            ge=0,
            le=64,
            description="values in a band; more rows: fewer comparisons, "
            "but more bands needed for the same recall",
        ),
    ] = 0
    seed: Annotated[int, Field(ge=0, lt=2**32, description="seed of the MinHash permutations")] = 1
    verify: Annotated[
        Literal["exact", "signature", "none"],
        Field(
            description="how candidates are verified: 'exact' compares the sets of all their "
            "n-grams, 'signature' the signatures, an "
            "estimate; 'none' takes a shared band for proof"
        ),
    ] = "exact"
    keep: Annotated[
        tuple[str, ...],
        Field(
            description="which of several similar documents stays: 'longest', 'shortest', "
            "'newest', 'oldest', 'source:NAME', 'quality' (language_score) or 'quality:COLUMN', "
            "each deciding where the ones before it tie, the document's id last; 'drop-all': none"
        ),
    ] = ("longest",)
    ranges: Annotated[
        int,
        Field(
            ge=0,
            le=4096,
            description="hash ranges that a band is exchanged in; 0: from the size of the corpus",
        ),
    ] = 0
    passes: Annotated[
        int,
        Field(
            ge=0,
            le=4096,
            description="in how many passes bands are exchanged; "
            "0: one, locally as many as memory_limit asks for",
        ),
    ] = 0
    memory_limit: Annotated[
        str,
        Field(
            description="memory that deduplication may use on this machine, "
            "such as '800 MB' or '6 GB'; empty: 60% of it"
        ),
    ] = ""
    bucket_limit: Annotated[
        int,
        Field(
            ge=2,
            le=4096,
            description="documents in one bucket of a band up to which all pairs are compared; "
            "beyond it each with the first in keep order and with the next",
        ),
    ] = 256
    max_drop_rate: Annotated[
        float,
        Field(
            ge=0, le=1, description="share of a source's documents that may go; more stop the run"
        ),
    ] = 0.5
    urls: Annotated[
        Literal["off", "newest", "first"],
        Field(
            description="documents of one normalised URL: 'newest' keeps the one published last, "
            "'first' the one that was read first; 'off' does not look at URLs"
        ),
    ] = "off"
    against: Annotated[
        ConfigPaths,
        Field(
            description="folders of earlier runs: what is there already, exactly or nearly, "
            "is dropped here; relative to this file"
        ),
    ] = ()
    lines: Annotated[
        bool,
        Field(
            description="remove lines that other documents have too; "
            "one document keeps each line, as in C4"
        ),
    ] = False
    lines_min_characters: Annotated[
        int,
        Field(ge=1, description="lines: shorter lines stay, in characters without blanks around"),
    ] = 20
    lines_min_documents: Annotated[
        int, Field(ge=2, description="lines: documents that a line must be in before it goes")
    ] = 2
    decontaminate: Annotated[
        ConfigPatterns,
        Field(
            description="evaluation texts, JSON Lines or globs of them: "
            "documents that share an n-gram with one go; relative to this file"
        ),
    ] = ()
    decontaminate_fields: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="decontaminate: keys of the evaluation texts, each a text of its own",
        ),
    ] = ("text",)
    decontaminate_ngram: Annotated[
        int, Field(ge=2, le=64, description="decontaminate: words in an n-gram")
    ] = 13
    decontaminate_shortest: Annotated[
        int,
        Field(
            ge=1,
            description="decontaminate: an evaluation text of fewer words than an n-gram "
            "counts whole if it has this many, else not",
        ),
    ] = 8
    decontaminate_action: Annotated[
        Literal["drop", "flag"],
        Field(
            description="decontaminate: 'drop' the documents, "
            "or 'flag' them in contamination-*.parquet only"
        ),
    ] = "drop"

    @field_validator("keep")
    @classmethod
    def _check_keep(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        for policy in keep:
            parse_policy(policy)
        return keep

    @model_validator(mode="after")
    def _check_against(self) -> "DedupConfig":
        if self.against and not self.enabled:
            raise ValueError(
                "dedup.against compares signatures, which dedup.enabled = false does not make"
            )
        return self

    @field_validator("memory_limit")
    @classmethod
    def _check_memory(cls, limit: str) -> str:
        if limit and not _MEMORY.fullmatch(limit):
            raise ValueError("write a number and MB or GB, such as '800 MB' or '6 GB'")
        return limit

    @model_validator(mode="after")
    def _check_bands(self) -> "DedupConfig":
        if not self.bands and not self.rows:
            bands, rows = choose_bands(self.jaccard, permutations=self.permutations)
            object.__setattr__(self, "bands", bands)
            object.__setattr__(self, "rows", rows)
        if not self.bands or not self.rows:
            raise ValueError("set both bands and rows, or neither")
        if self.bands * self.rows > self.permutations:
            raise ValueError(
                f"bands * rows = {self.bands * self.rows} "
                f"is more than permutations = {self.permutations}"
            )
        if self.similarity == "containment" and self.keep[:1] != ("longest",):
            raise ValueError(
                "similarity = 'containment' needs keep = ['longest', ...], "
                "or a quotation would drop what it quotes"
            )
        if DROP_ALL in self.keep and len(self.keep) > 1:
            raise ValueError(
                f"{DROP_ALL!r} in keep leaves nothing to the other policies; "
                f"write keep = [{DROP_ALL!r}]"
            )
        return self

    @property
    def memory_bytes(self) -> int:
        """`memory_limit` in bytes, 0 if it is not set."""
        match = _MEMORY.fullmatch(self.memory_limit)
        return int(float(match["number"]) * _UNITS[match["unit"]]) if match else 0

    @property
    def least_similarity(self) -> float:
        """The least similarity of duplicates.

        0 with `verify = "none"`, where all candidates are duplicates.
        """
        return 0.0 if self.verify == "none" else self.jaccard
