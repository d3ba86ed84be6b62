"""What a user asks of an export."""

from dataclasses import asdict, dataclass, field
from typing import Any

from transforms.errors import ConfigError
from transforms.export.formats import ExportOptions
from transforms.export.jsonl import SUFFIXES as COMPRESSIONS
from transforms.export.registry import FORMATS

SPLITS = ("train", "validation")


def split_names(split: str) -> tuple[str, ...]:
    """train, validation or all -> the splits. Raises ConfigError for another word."""
    if split not in (*SPLITS, "all"):
        raise ConfigError(f"{split!r} is not a split", where="--split", remedy=f"choose from {', '.join(SPLITS)}, all")
    return SPLITS if split == "all" else (split,)


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """A format with its options, where to, which splits, and which sources (all when empty)."""

    format: str
    to: str
    splits: tuple[str, ...] = SPLITS
    sources: tuple[str, ...] = ()
    options: ExportOptions = field(default_factory=ExportOptions)

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ConfigError(f"{self.format!r} is not a format", where="--format", remedy=f"choose from {', '.join(FORMATS)}")
        if self.options.compression not in COMPRESSIONS:
            remedy = f"choose from {', '.join(COMPRESSIONS)}"
            raise ConfigError(f"{self.options.compression!r} is not a compression", where="--compression", remedy=remedy)
        for name, value in asdict(self.options).items():
            if value != getattr(ExportOptions(), name) and name not in FORMATS[self.format].options:
                having = next(other for other, known in FORMATS.items() if name in known.options)
                option = "--" + name.replace("_", "-")
                raise ConfigError(
                    f"{self.format} has no option {option}", where=option, remedy=f"leave it out, or export {having}, which it is for"
                )

    def values(self) -> dict[str, Any]:
        """What decides the bytes of the export, as plain values."""
        options = FORMATS[self.format].options
        return {
            "format": self.format,
            "splits": list(self.splits),
            "sources": list(self.sources),
            "options": {name: value for name, value in asdict(self.options).items() if name in options},
        }

    def check_sources(self, known: set[str]) -> None:
        """Raises ConfigError for a source that the run does not have."""
        if unknown := sorted(set(self.sources) - known):
            remedy = f"choose from {', '.join(sorted(known))}"
            raise ConfigError(f"the run has no source {unknown[0]!r}", where="--sources", remedy=remedy)

    def wants(self, source: str) -> bool:
        return not self.sources or source in self.sources
