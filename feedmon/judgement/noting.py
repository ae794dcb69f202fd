"""What a member's post leaves behind for the rules that look at more than one post."""

from __future__ import annotations

from datetime import timedelta

from feedmon.judgement.aim import addressee
from feedmon.judgement.case import Case, Earlier, Trail
from feedmon.judgement.checks import personal_attack
from feedmon.model.flags import Severity

LONGEST_MEMORY = timedelta(hours=1)
"""How far back any rule looks. Data-protection law asks for no more history than a rule needs."""


def noted(case: Case) -> Earlier | None:
    """What this post will tell later ones; None unless a member wrote it."""
    if case.member is None:
        return None
    spoken_to = addressee(case)
    toward = spoken_to[0].member if spoken_to is not None else None
    attack = personal_attack.check(case, personal_attack.Parameters(), Trail())
    attacked = attack.target if attack is not None and attack.severity is not Severity.INFO else None
    return Earlier(
        at=case.post.observed_at,
        post=case.post.key,
        member=case.member.id,
        toward=toward.id if toward else None,
        attacked=next((member.id for member in case.room.meeting.members if member.name == attacked), None),
    )
