"""What a person decided about a flag. Append-only: an undo is a decision too."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from feedmon.model.instants import Instant


class DecisionKind(StrEnum):
    """What can be done with a flag. ``undo`` takes back the decision it names."""

    DISMISS = "dismiss"
    KEEP = "keep"
    CONFIRM = "confirm"
    TELL_CHAIR = "tell_chair"
    REFER = "refer"
    NOTE = "note"
    UNDO = "undo"


class DismissReason(StrEnum):
    """Why a flag was wrong or does not matter; what later tuning of a council's rules learns from."""

    ON_TOPIC = "on_topic"
    NOT_ABOUT_A_PERSON = "not_about_a_person"
    FAIR_COMMENT = "fair_comment"
    QUOTED = "quoted"
    HUMOUR = "humour"
    ALLOWED_WORD = "allowed_word"
    OTHER = "other"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision by one person at one instant.

    A dismissal has a ``reason``; ``words`` are those for the chair, or a note's text; an undo names what it undoes.

    Raises ValueError (msgspec.ValidationError when decoded) when those are missing or do not belong.
    """

    id: str
    flag: str
    kind: DecisionKind
    at: Instant
    by: str = "clerk"
    reason: DismissReason | None = None
    words: str = ""
    undoes: str | None = None

    def __post_init__(self) -> None:
        if not self.id or not self.flag:
            raise ValueError("a decision needs an id and the flag it is about")
        if (self.kind is DecisionKind.DISMISS) != (self.reason is not None):
            raise ValueError("a reason belongs to a dismissal, and a dismissal needs one")
        if self.kind in (DecisionKind.TELL_CHAIR, DecisionKind.NOTE) and not self.words.strip():
            raise ValueError(f"“{self.kind}” needs words")
        if (self.kind is DecisionKind.UNDO) != (self.undoes is not None):
            raise ValueError("an undo names the decision it undoes, and only an undo does")


class FlagState(StrEnum):
    """Where a flag stands with the clerk."""

    NEW = "new"
    KEPT = "kept"
    DISMISSED = "dismissed"
    CONFIRMED = "confirmed"
    TOLD = "told"
    REFERRED = "referred"


_LEADS_TO = {
    DecisionKind.DISMISS: FlagState.DISMISSED,
    DecisionKind.KEEP: FlagState.KEPT,
    DecisionKind.CONFIRM: FlagState.CONFIRMED,
    DecisionKind.TELL_CHAIR: FlagState.TOLD,
    DecisionKind.REFER: FlagState.REFERRED,
}


def in_force(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """The decisions not taken back, oldest first. An undo may itself be undone (that is redo)."""
    ordered = sorted(decisions, key=lambda decision: (decision.at, decision.id))
    undone: set[str] = set()
    for decision in reversed(ordered):
        if decision.undoes is not None and decision.id not in undone:
            undone.add(decision.undoes)
    return tuple(d for d in ordered if d.id not in undone and d.kind is not DecisionKind.UNDO)


def state_of(decisions: Iterable[Decision]) -> FlagState:
    """Where a flag stands after all decisions about it: the last one in force that moves it."""
    state = FlagState.NEW
    for decision in in_force(decisions):
        state = _LEADS_TO.get(decision.kind, state)
    return state
