"""An account that is not on the roster looks like a member's or the council's (Dover 7.2(c)).

Names and handles are compared as a hurried reader sees them: look-alike letters, accents, digits for letters and
punctuation make no difference. Parody and fan accounts that say so pass; a namesake who posts as themselves is for
the clerk to recognise.
"""

from __future__ import annotations

from difflib import SequenceMatcher

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.text import skeleton
from feedmon.model.flags import Basis

_ALIKE = 0.9
_SHORTEST = 6


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``parody``: the lexicon of words by which an account says that it is not the real one."""

    parody: str = "parody"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag an unlisted account whose shown name or handle is, or nearly is, a listed one's."""
    author = case.post.author
    if not trail.holds("the account is not on the roster", case.author.account is None, author.handle):
        return None
    shown, first = skeleton(author.name), skeleton(author.handle.partition(".")[0])
    like = None
    for owner, names, handles in _listed(case):
        if shown and any(
            shown in (skeleton(name), f"cllr{skeleton(name)}", f"councillor{skeleton(name)}") for name in names
        ):
            like = f"shows the name of {owner}"
        elif any(_nearly(first, skeleton(handle.partition(".")[0])) for handle in handles):
            like = f"has nearly the handle of {owner}"
        if like:
            break
    if not trail.holds("its name or handle is, or nearly is, a listed one's", like, like or ""):
        return None
    book = case.room.phrasebook
    labelled = case.hits.of(parameters.parody) or book.find(book.read(f"{author.name} . {author.handle}")).of(
        parameters.parody
    )
    if not trail.holds("it does not say that it is a parody or a fan's", not labelled):
        return None
    return Finding(
        basis=Basis.FACT, score=0.8, reason=f"An account that is not on the roster {like}. It may be a namesake."
    )


def _listed(case: Case) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Owner, names and handles on this network, of every member and the council."""
    meeting, network = case.room.meeting, case.post.network
    rows: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
        (member.name, (member.name,), tuple(a.handle for a in member.accounts if a.network == network))
        for member in meeting.members
    ]
    council = meeting.council
    rows.append((council.name, (council.name,), tuple(a.handle for a in council.accounts if a.network == network)))
    return rows


def _nearly(one: str, other: str) -> bool:
    if min(len(one), len(other)) < _SHORTEST:
        return one == other and bool(one)
    return one == other or SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE
