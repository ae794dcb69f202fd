"""A member's listed personal account talks council business without showing who it is (Ventnor 6.1; NEDDC 6.3).

Only accounts that the member put on the roster are looked at: an unknown account cannot be unmasked, and must not be.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.stems import STOPWORDS, stem
from feedmon.judgement.text import TokenKind, accent_free, skeleton
from feedmon.model.flags import Basis
from feedmon.model.meeting import AccountRole

_ABOUT_COUNCIL = 2


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``council_words``: the lexicon of meetings' own words."""

    council_words: str = "council_words"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """List a post on council business from a personal account that names nobody."""
    account, member = case.author.account, case.member
    personal = account is not None and member is not None and account.role is AccountRole.PERSONAL
    if not trail.holds("it comes from a personal account on the roster", personal) or member is None:
        return None
    shown = skeleton(case.post.author.name + case.post.author.handle)
    names_them = skeleton(member.name.split()[-1]) in shown or any(title in shown for title in ("cllr", "councillor"))
    if not trail.holds("neither its handle nor its shown name says who it is", not names_them):
        return None
    tags = {accent_free(tag) for tag in case.room.meeting.hashtags}
    tagged = any(accent_free(tag) in tags for tag in case.post.hashtags)
    tonight = case.room.meeting_stems | case.room.words(parameters.council_words)
    words = {
        token.text
        for token in case.reading.tokens
        if token.kind is TokenKind.WORD and token.text not in STOPWORDS and len(token.text) > 2
    }
    shared = sum(stem(word) in tonight for word in words)
    if not trail.holds(
        "it is about the council's business", tagged or shared >= _ABOUT_COUNCIL, f"{shared} words of it"
    ):
        return None
    return Finding(basis=Basis.FACT, score=0.5, reason=f"A personal account of {member.name}'s that does not say so.")
