"""The kinds of judgement. A new one is one file with ``Parameters`` and ``check``, and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.checks import (
    allegation,
    chair_direction,
    closed_content_match,
    closed_session_post,
    corporate_account_misuse,
    impersonation,
    media_in_meeting,
    member_spat,
    off_topic,
    offensive_content,
    personal_attack,
    personal_data,
    posting_rate,
    predetermination,
    private_meeting_report,
    profanity,
    protected_abuse,
    repeat_target,
    self_exposure,
    speaks_for_council,
    staff_or_public_comment,
    threat,
    undisclosed_identity,
)


class Kind(NamedTuple):
    """A kind of judgement: the struct its parameters must fit, and the pure function that judges."""

    parameters: type[msgspec.Struct]
    check: Callable[[Case, Any, Trail], Finding | None]


CHECKS: dict[str, Kind] = {
    "allegation": Kind(allegation.Parameters, allegation.check),
    "chair_direction": Kind(chair_direction.Parameters, chair_direction.check),
    "closed_content_match": Kind(closed_content_match.Parameters, closed_content_match.check),
    "closed_session_post": Kind(closed_session_post.Parameters, closed_session_post.check),
    "corporate_account_misuse": Kind(corporate_account_misuse.Parameters, corporate_account_misuse.check),
    "impersonation": Kind(impersonation.Parameters, impersonation.check),
    "media_in_meeting": Kind(media_in_meeting.Parameters, media_in_meeting.check),
    "member_spat": Kind(member_spat.Parameters, member_spat.check),
    "off_topic": Kind(off_topic.Parameters, off_topic.check),
    "offensive_content": Kind(offensive_content.Parameters, offensive_content.check),
    "personal_attack": Kind(personal_attack.Parameters, personal_attack.check),
    "personal_data": Kind(personal_data.Parameters, personal_data.check),
    "posting_rate": Kind(posting_rate.Parameters, posting_rate.check),
    "predetermination": Kind(predetermination.Parameters, predetermination.check),
    "private_meeting_report": Kind(private_meeting_report.Parameters, private_meeting_report.check),
    "profanity": Kind(profanity.Parameters, profanity.check),
    "protected_abuse": Kind(protected_abuse.Parameters, protected_abuse.check),
    "repeat_target": Kind(repeat_target.Parameters, repeat_target.check),
    "self_exposure": Kind(self_exposure.Parameters, self_exposure.check),
    "speaks_for_council": Kind(speaks_for_council.Parameters, speaks_for_council.check),
    "staff_or_public_comment": Kind(staff_or_public_comment.Parameters, staff_or_public_comment.check),
    "threat": Kind(threat.Parameters, threat.check),
    "undisclosed_identity": Kind(undisclosed_identity.Parameters, undisclosed_identity.check),
}
"""Each kind of judgement by its name in packs."""
