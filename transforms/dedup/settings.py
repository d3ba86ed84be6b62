"""The settings of deduplication: the `[dedup]` table of the configuration."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

from transforms.dedup.order import parse_policy


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class DedupConfig:
    """How duplicates are found and which of them stay. Raises pydantic.ValidationError for a wrong or unknown value."""

    enabled: Annotated[bool, Field(description="look for duplicates at all")] = True
    jaccard: Annotated[
        float,
        Field(
            gt=0, le=1, description="two documents are near-duplicates when the Jaccard similarity of their word n-grams is at least this"
        ),
    ] = 0.8
    ngram: Annotated[int, Field(ge=1, le=64, description="words in an n-gram; a text with fewer words is one n-gram")] = 5
    bands: Annotated[
        int, Field(ge=1, le=256, description="bands of the MinHash signature; two documents that agree in one are compared exactly")
    ] = 21
    rows: Annotated[
        int,
        Field(ge=1, le=64, description="MinHash values in a band; more rows: fewer comparisons, but more bands needed for the same recall"),
    ] = 6
    seed: Annotated[int, Field(ge=0, lt=2**32, description="seed of the MinHash permutations")] = 1
    verify: Annotated[
        Literal["exact"], Field(description="how candidates are verified; 'exact' compares the sets of all their n-grams")
    ] = "exact"
    keep: Annotated[
        tuple[str, ...],
        Field(
            description="which of several similar documents stays: 'longest', 'shortest', 'newest', 'oldest' or 'source:NAME', "
            "each deciding where the ones before it tie; the document's id decides last"
        ),
    ] = ("longest",)
    ranges: Annotated[int, Field(ge=0, le=4096, description="hash ranges that a band is exchanged in; 0: from the size of the corpus")] = 0
    bucket_limit: Annotated[
        int,
        Field(
            ge=2,
            le=4096,
            description="documents in one bucket of a band up to which all pairs are compared; beyond it each with the first and the next",
        ),
    ] = 256
    max_drop_rate: Annotated[float, Field(ge=0, le=1, description="share of a source's documents that may go; more stop the run")] = 0.5

    @field_validator("keep")
    @classmethod
    def _check_keep(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        for policy in keep:
            parse_policy(policy)
        return keep

    @property
    def permutations(self) -> int:
        """Values in a signature."""
        return self.bands * self.rows
