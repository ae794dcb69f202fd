"""The council's own account serves a party, a campaign, a person or a business (Ventnor 9.3, 9.4; LGA 1986, s2)."""

from __future__ import annotations

import msgspec

from feedmon.judgement.aim import own_words
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``campaigning``: the lexicon of party, campaign and commercial promotion."""

    campaigning: str = "campaigning"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag promotion in the council's name."""
    own = own_words(case, parameters.campaigning, trail, "it promotes a party, a campaign, a person or a business")
    if not own:
        return None
    worst = max(own, key=lambda hit: hit.sense.strength)
    return Finding(
        basis=Basis.READING,
        score=worst.sense.strength,
        reason=f"The council's account seems to promote {worst.sense.label}: {case.said(worst)}.",
        spans=tuple(sorted({case.hits.span(hit) for hit in own})),
    )
