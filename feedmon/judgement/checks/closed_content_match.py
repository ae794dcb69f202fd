"""A post tells what a closed paper says (Ventnor 8.1, 8.5; NEDDC 4.6, 6.1, 9; Dover 6.1(c), 7.4).

Three strengths. A long run of a sealed paper's words, or several of its figures and names, is its text. One of its
figures, or a name beside the item's subject, is close. A plain statement of what was decided on an item that is closed
and not yet published copies nothing and is only a reading, by members.

What an open paper of the meeting also says was never sealed, so the item's public title and open report pass. An item
whose business has become public (its outcome announced, or taken with the public in the room) no longer counts.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.sealing import RUN, Leak, LeakKind
from feedmon.judgement.stems import STOPWORDS, stem, stems_of
from feedmon.judgement.text import TokenKind, folded
from feedmon.model.flags import Basis, Severity, Span
from feedmon.model.timeline import Moment, Phase


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``least_words``: how many words in a row must match. ``outcomes``: the lexicon of telling what was decided."""

    least_words: int = 8
    outcomes: str = "outcomes"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag the strongest sign that a post tells what a closed paper says."""
    found = _copied(case, parameters, trail) if case.room.fingerprints else None
    if found is None and case.member is not None:
        found = _told(case, parameters, trail)
    return found


def _copied(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    leaks = case.room.fingerprints.leaks(case.reading)
    standing = [leak for leak in leaks if leak.item not in case.moment.public_items]
    if leaks and not trail.holds("the item's business is still private", standing):
        return None
    runs = [leak for leak in standing if leak.words >= max(parameters.least_words, RUN)]
    shorter = [leak for leak in standing if leak.kind is LeakKind.RUN and leak not in runs]
    figures = _unlikely_by_chance(case, [leak for leak in standing if leak.kind is LeakKind.FIGURE])
    ordinary = case.room.phrasebook.vocabulary
    names = [leak for leak in standing if leak.kind is LeakKind.NAME and folded(_text(case, leak)) not in ordinary]
    subject = [leak for leak in standing if _subject(case, leak.item)]
    signs = len({_text(case, leak) for leak in figures + names}) + len(shorter)
    detail = (
        f"longest run {max((leak.words for leak in standing), default=0)} words, "
        f"{len(figures)} figures, {len(names)} names"
    )
    held = bool(runs) or signs >= 2 or bool(figures) or bool(subject and (names or shorter))
    if not trail.holds(
        f"{parameters.least_words} words in a row are a sealed paper's, or its figures or names", held, detail
    ):
        return None
    spans = tuple(sorted(leak.span for leak in (*runs, *shorter, *figures, *names)))
    item = (runs or standing)[0].item
    if runs:
        reason = f"{runs[0].words} words in a row are those of the closed paper on item {item}."
        return Finding(basis=Basis.FACT, score=1.0, reason=reason, spans=spans)
    what = " and ".join(words for words, any_ in (("figures", figures), ("names", names), ("words", shorter)) if any_)
    reason = f"It gives {what} that only the closed paper on item {item} has."
    told = case.hits.of(parameters.outcomes)
    if len(figures) >= 2 or (figures and (names or shorter or subject or told)):
        return Finding(basis=Basis.FACT, score=0.95, reason=reason, spans=spans)
    return Finding(
        basis=Basis.FACT,
        score=0.8 if signs >= 2 or subject else 0.6,
        reason=reason,
        spans=spans,
        severity=Severity.WARNING,
    )


def _told(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """A member tells what was decided on a closed item, in their own words."""
    hits = case.hits.of(parameters.outcomes)
    if not trail.holds("it tells what was, or will be, decided", hits, case.said(*hits)):
        return None
    about = [
        (item, spans)
        for item in case.room.meeting.items
        if item.closed and _taken_in_private(case.moment, item.number) and (spans := _subject(case, item.number))
    ]
    if not trail.holds("it is about an item that was taken in private and is not yet published", about):
        return None
    item, spans = about[0]
    return Finding(
        basis=Basis.READING,
        score=0.5,
        reason=f"It seems to tell what was decided on item {item.number}, which is closed and not yet published.",
        spans=tuple(sorted({*spans, *(case.hits.span(hit) for hit in hits)})),
        severity=Severity.NOTICE,
    )


def _taken_in_private(moment: Moment, item: str) -> bool:
    """Whether an item has had its turn, or its room is closed now, and nothing of it is public yet."""
    had_its_turn = moment.closed_session or moment.phase is Phase.ENDED or item in (moment.item, moment.previous_item)
    return had_its_turn and item not in moment.public_items


def _unlikely_by_chance(case: Case, figures: list[Leak]) -> list[Leak]:
    """The figures that are money, or stand beside the item's subject; a bare number may be anything's."""
    return [leak for leak in figures if _text(case, leak)[:1] in "£$€" or _subject(case, leak.item)]


def _text(case: Case, leak: Leak) -> str:
    return case.post.text[leak.span.start : leak.span.end]


def _subject(case: Case, item: str) -> tuple[Span, ...]:
    """Where a post names a closed item: by its number, or by what only its public title is about."""
    titles = {each.number: stems_of(each.title) for each in case.room.meeting.items}
    others = (stems for number, stems in titles.items() if number != item)
    everywhere = stems_of(f"{case.room.meeting.council.name}. {case.room.meeting.title}")
    own = titles.get(item, frozenset()).difference(*others) - everywhere
    named = tuple(
        Span(token.start, token.end, f"the subject of item {item}")
        for token in case.reading.tokens
        if token.kind is TokenKind.WORD and token.text not in STOPWORDS and stem(token.text) in own
    )
    numbered = tuple(
        Span(word.start, number.end, f"item {item}")
        for word, number in pairwise(case.reading.tokens)
        if word.text == "item" and number.text == folded(item)
    )
    return named + numbered
