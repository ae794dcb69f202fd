"""A member states a closed mind on a quasi-judicial item not yet decided (NEDDC 9; Localism Act 2011, section 25).

Having a view, and saying so, is lawful; concerns, leanings and campaigning pass. Only “nothing will change my mind”
on tonight's application, before it is decided, is worth a quiet word with the chair and the legal adviser.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.aim import own_words
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.stems import stem, stems_of
from feedmon.judgement.text import TokenKind
from feedmon.model.flags import Basis
from feedmon.model.meeting import AgendaItem


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``closed_mind``: the lexicon of saying that nothing one hears will matter."""

    closed_mind: str = "closed_mind"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag a closed mind on the quasi-judicial item being taken, or on one the post names that is still to come."""
    pending = [item for item in case.room.meeting.items if item.quasi_judicial and _still_open(case, item)]
    if not trail.holds("a quasi-judicial item is still to be decided tonight", pending):
        return None
    own = own_words(case, parameters.closed_mind, trail, "it says that the author's mind is made up")
    if not own:
        return None
    about = next((item for item in pending if item.number == case.moment.item or _names(case, item)), None)
    if not trail.holds("it is about that item", about) or about is None:
        return None
    return Finding(
        basis=Basis.READING,
        score=max(hit.sense.strength for hit in own),
        reason=f"States a closed mind on item {about.number}, which is not yet decided: {case.said(*own)}.",
        spans=tuple(sorted({case.hits.span(hit) for hit in own})),
    )


def _still_open(case: Case, item: AgendaItem) -> bool:
    """Whether the item is being taken or still to come."""
    if case.moment.item == item.number:
        return True
    numbers = [each.number for each in case.room.meeting.items]
    reached = case.moment.item or case.moment.previous_item
    return reached is None or (reached in numbers and numbers.index(reached) < numbers.index(item.number))


def _names(case: Case, item: AgendaItem) -> bool:
    words = {stem(token.text) for token in case.reading.tokens if token.kind is TokenKind.WORD}
    return len(words & stems_of(item.title)) >= 1
