"""A present member posts while the public are excluded (Ventnor 8.5; NEDDC 4.6; Dover 6.1(c)).

That the room was closed is a fact, known only from the clerk's marks. That the post reports on it is not: so saying
no more than “we are in private session” passes, and what is plainly about an item taken in public counts one lower.
"""

from __future__ import annotations

import re

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.stems import STOPWORDS, stem, stems_of
from feedmon.judgement.text import Token, TokenKind
from feedmon.model.flags import Basis
from feedmon.model.instants import minutes_since

_CLEARLY = 4
_HOUR = re.compile(r"(?:[01]?\d|2[0-3])[.:][0-5]\d")


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lexicons: ``sign_off``, ways to say only that the meeting is private; ``small_talk``, thanks, tea and breaks.

    A post within ``grace_seconds`` of the public leaving may have been written before, and counts one lower.
    """

    sign_off: str = "private_session"
    small_talk: str = "small_talk"
    grace_seconds: int = 25


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag a present member's post in closed session, unless it says no more than that it is closed."""
    since = case.moment.excluded_since
    if not trail.holds("the public were excluded when it was posted", case.moment.closed_session and since is not None):
        return None
    if not trail.holds(
        "it says more than a sign-off or small talk", not says_only(case, parameters.sign_off, parameters.small_talk)
    ):
        return None
    ago = minutes_since(since, case.post.observed_at) if since else 0.0
    doubts = []
    if ago * 60 <= parameters.grace_seconds:
        doubts.append("It may have been written before that.")
    if earlier := _earlier_open_item(case):
        doubts.append(f"It reads like item {earlier}, which was taken in public.")
    trail.holds("nothing speaks for its being about something else", not doubts, " ".join(doubts))
    return Finding(
        basis=Basis.FACT,
        score=1.0,
        reason=" ".join([f"Posted {_ago(ago)} after the public were excluded.", *doubts]),
        lower=len(doubts),
    )


def _ago(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes >= 1 else f"{minutes * 60:.0f} s"


def says_only(case: Case, *lexicons: str) -> bool:
    """Whether a post says nothing beyond lexicons' phrases, give or take one word.

    A number is never nothing, unless it is the hour or the item's own.
    """
    hits = [hit for lexicon in lexicons for hit in case.hits.of(lexicon)]
    if not hits or case.post.media:
        return False
    covered = {index for hit in hits for index in range(hit.first, hit.last + 1)}
    rest = [token for index, token in enumerate(case.reading.tokens) if index not in covered and _says_something(token)]
    numbers = [
        token
        for token in rest
        if token.kind is TokenKind.NUMBER and token.text != case.moment.item and not _HOUR.fullmatch(token.text)
    ]
    return len(rest) <= 1 and not numbers


def _says_something(token: Token) -> bool:
    if token.kind is TokenKind.NUMBER:
        return True
    return token.kind is TokenKind.WORD and not token.hashtag and token.text not in STOPWORDS and len(token.text) > 2


def _earlier_open_item(case: Case) -> str | None:
    """The item already taken in public that the post's words clearly point to; words of its title count double."""
    stems = {stem(token.text) for token in case.reading.tokens if token.kind is TokenKind.WORD}
    stems -= {stem(word) for word in STOPWORDS}
    closed = (case.room.item_stems[item.number] for item in case.room.meeting.items if item.closed)
    stems -= frozenset().union(*closed)
    taken = [item for item in case.room.meeting.items if item.number in case.moment.public_items and not item.closed]
    if case.moment.item is not None:
        taken = [item for item in taken if item.number != case.moment.item]
    shared = {
        item.number: len(stems & case.room.item_stems[item.number]) + len(stems & stems_of(item.title))
        for item in taken
    }
    best = max(shared, key=lambda number: shared[number], default=None)
    return best if best is not None and shared[best] >= _CLEARLY else None
