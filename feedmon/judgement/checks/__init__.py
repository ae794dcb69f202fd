"""The kinds of judgement. A new one is one file with ``Parameters`` and ``check``, and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.checks import (
    chair_direction,
    closed_content_match,
    closed_session_post,
    media_in_meeting,
    off_topic,
    personal_attack,
    personal_data,
    profanity,
    protected_abuse,
    speaks_for_council,
    threat,
)


class Kind(NamedTuple):
    """A kind of judgement: the struct its parameters must fit, and the pure function that judges."""

    parameters: type[msgspec.Struct]
    check: Callable[[Case, Any, Trail], Finding | None]


CHECKS: dict[str, Kind] = {
    "chair_direction": Kind(chair_direction.Parameters, chair_direction.check),
    "closed_content_match": Kind(closed_content_match.Parameters, closed_content_match.check),
    "closed_session_post": Kind(closed_session_post.Parameters, closed_session_post.check),
    "media_in_meeting": Kind(media_in_meeting.Parameters, media_in_meeting.check),
    "off_topic": Kind(off_topic.Parameters, off_topic.check),
    "personal_attack": Kind(personal_attack.Parameters, personal_attack.check),
    "personal_data": Kind(personal_data.Parameters, personal_data.check),
    "profanity": Kind(profanity.Parameters, profanity.check),
    "protected_abuse": Kind(protected_abuse.Parameters, protected_abuse.check),
    "speaks_for_council": Kind(speaks_for_council.Parameters, speaks_for_council.check),
    "threat": Kind(threat.Parameters, threat.check),
}
"""Each kind of judgement by its name in packs."""
