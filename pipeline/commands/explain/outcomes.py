"""The outcomes of reading a stored row's input again, one class each.

`state` names the outcome in JSON, `line` says it on a terminal.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from transforms.contracts.plain import JsonObject, to_object, to_plain


@dataclass(frozen=True, kw_only=True)
class NotRead:
    """The file is missing, or no record of it has the locator."""

    state: Literal["unreadable", "no record"]
    why: str

    @property
    def line(self) -> str:
        return f"{self.state}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class EqualDocument:
    """The text and all columns are those that are stored."""

    state: Literal["equal"] = "equal"
    characters: int

    @property
    def line(self) -> str:
        return f"equal: the same {self.characters:,} characters"


@dataclass(frozen=True, kw_only=True)
class OtherText:
    """The text differs.

    `diff`: the lines around the first difference, as a unified diff. `text`: what it is now.
    """

    state: Literal["differs"] = "differs"
    diff: str
    text: str

    @property
    def line(self) -> str:
        return "differs: the text"


@dataclass(frozen=True, kw_only=True)
class OtherColumns:
    """The text is equal, and these columns differ."""

    state: Literal["differs"] = "differs"
    columns: tuple[str, ...]

    @property
    def line(self) -> str:
        return f"differs: {', '.join(self.columns)}"


@dataclass(frozen=True, kw_only=True)
class NowRejected:
    """A document that is rejected now: by which stage and rule, and the text as the rule saw it."""

    state: Literal["rejected"] = "rejected"
    why: str
    stage: str | None
    rule: str
    value: float | None
    threshold: float | None
    detail: str | None
    text: str | None

    @property
    def line(self) -> str:
        return f"{self.state}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class NowKept:
    """A reject that would be a document now."""

    state: Literal["kept"] = "kept"
    why: str
    text: str | None

    @property
    def line(self) -> str:
        return f"{self.state}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class RejectedAgain:
    """A reject that is rejected again: "equal" by the same rule with the same value."""

    state: Literal["equal", "differs"]
    stage: str | None
    rule: str
    value: float | None
    threshold: float | None
    detail: str | None
    text: str | None

    @property
    def line(self) -> str:
        return (
            "equal: the same rule and value"
            if self.state == "equal"
            else f"differs: {self.rule} {self.value}"
        )


Outcome: TypeAlias = (
    NotRead | EqualDocument | OtherText | OtherColumns | NowRejected | NowKept | RejectedAgain
)


@dataclass(frozen=True, kw_only=True)
class ReadAgainOutcome:
    """An outcome. `notes`: what has changed since the run and may have changed it."""

    outcome: Outcome
    notes: tuple[str, ...]

    def to_plain(self) -> JsonObject:
        return {**to_object(self.outcome), "notes": to_plain(self.notes)}
