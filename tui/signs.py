"""Glyph, word and colour of everything that has a state, in one place: no screen invents its own.

Each sign reads without its colour (NO_COLOR, colour-blind eyes, a washed-out projector): the glyphs differ in shape
and the word is always near. Colours are names of theme variables, see :mod:`tui.themes`.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content

from feedmon.wire import DecisionKind, DismissReason, FlagState, FlagView, Severity, SourceCondition
from tui.model.agenda import Place
from tui.model.glance import Word


class Sign(NamedTuple):
    """How one state looks: a glyph one cell wide, a word, and a style."""

    glyph: str
    word: str
    style: str

    @property
    def content(self) -> Content:
        """Glyph and word, in the sign's colour."""
        return Content.styled(f"{self.glyph} {self.word}", self.style)


SEVERITY = {
    Severity.INFO: Sign("○", "info", "$sev-info"),
    Severity.NOTICE: Sign("◇", "notice", "$sev-notice"),
    Severity.WARNING: Sign("▲", "warning", "$sev-warning bold"),
    Severity.CRITICAL: Sign("■", "critical", "$sev-critical bold"),
}

GLANCE = {
    Word.CLEAR: Sign("✓", "CLEAR", "$glance-clear-fg on $glance-clear-bg"),
    Word.LOOK: Sign("▲", "LOOK", "$glance-look-fg on $glance-look-bg"),
    Word.ACT: Sign("!", "ACT", "$glance-act-fg on $glance-act-bg"),
    Word.LOST: Sign("✕", "LOST", "$glance-lost-fg on $glance-lost-bg"),
    Word.OFF: Sign("–", "OFF", "$glance-off-fg on $glance-off-bg"),
}

STATE = {
    FlagState.NEW: Sign("●", "new", "bold"),
    FlagState.KEPT: Sign("◷", "kept for later", "$sev-notice"),
    FlagState.DISMISSED: Sign("–", "dismissed", "$quiet"),
    FlagState.CONFIRMED: Sign("✓", "confirmed", "$good"),
    FlagState.TOLD: Sign("→", "chair told", "$good"),
    FlagState.REFERRED: Sign("↗", "referred", "$good"),
}

CLEARED = Sign("~", "no longer raised", "$quiet")
DELETED = Sign("✕", "deleted by its author", "$sev-warning")


def state_sign(view: FlagView, state: FlagState) -> Sign:
    """Where a flag stands: cleared by judging again, or as the clerk left it."""
    return CLEARED if view.cleared is not None and state is FlagState.NEW else STATE[state]


CONDITION = {
    SourceCondition.STARTING: Sign("◌", "starting", "$quiet"),
    SourceCondition.LIVE: Sign("●", "live", "$good"),
    SourceCondition.QUIET: Sign("○", "quiet", "$good"),
    SourceCondition.BEHIND: Sign("◐", "behind", "$sev-warning"),
    SourceCondition.LOST: Sign("✕", "lost", "$sev-critical bold"),
    SourceCondition.REFUSED: Sign("⊘", "refused", "$sev-critical bold"),
    SourceCondition.STOPPED: Sign("□", "stopped", "$quiet"),
}

PLACE = {
    Place.NOW: Sign("▶", "now", "$primary bold"),
    Place.BROKEN_OFF: Sign("◨", "broken off", "$sev-warning"),
    Place.TAKEN: Sign("✓", "taken", "$quiet"),
    Place.TO_COME: Sign(" ", "to come", ""),
}

EXCLUDED = Sign("■", "public excluded", "$sev-critical bold")
SUSPENDED = Sign("■", "recording suspended", "$sev-warning bold")
ASKED = Sign("■", "asked not to post", "$sev-warning bold")
ADJOURNED = Sign("◨", "adjourned", "$sev-warning bold")
SITTING = Sign("▶", "sitting", "$primary")
NOT_OPENED = Sign("○", "not yet opened", "$quiet")
CLOSED = Sign("□", "closed", "$quiet")

DONE = Sign("✓", "done", "$good")
WAITING = Sign("…", "waiting", "$sev-notice")
REFUSED = Sign("✕", "refused", "$sev-critical bold")
HINT = Sign("·", "hint", "$quiet")

DECISION = {
    DecisionKind.DISMISS: "Dismissed",
    DecisionKind.KEEP: "Kept for later",
    DecisionKind.CONFIRM: "Confirmed",
    DecisionKind.TELL_CHAIR: "Chair told",
    DecisionKind.REFER: "Referred",
    DecisionKind.NOTE: "Noted",
    DecisionKind.UNDO: "Undone",
}

REASONS = {
    DismissReason.ON_TOPIC: ("o", "on topic after all"),
    DismissReason.NOT_ABOUT_A_PERSON: ("p", "not about a person"),
    DismissReason.FAIR_COMMENT: ("f", "fair comment"),
    DismissReason.QUOTED: ("q", "quoting someone else"),
    DismissReason.HUMOUR: ("h", "humour"),
    DismissReason.ALLOWED_WORD: ("w", "a word that is fine here"),
    DismissReason.OTHER: ("x", "another reason"),
}
"""For each reason of a dismissal the letter that picks it and how it is said."""
