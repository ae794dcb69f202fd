"""A present member posts a picture, sound or live link during the meeting (Dover 6.3; NEDDC 4.6, recording protocol).

The feed tells that there is media, not who is in it: the clerk looks. In closed session or while the chair has
suspended recording it matters; in open session reporting is a right, so it is only listed, unless its own words say
that it shows people in the room.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.model.flags import Basis, Severity
from feedmon.model.posts import MediaKind

_NOUN = {
    MediaKind.IMAGE: "a picture",
    MediaKind.VIDEO: "a video",
    MediaKind.AUDIO: "a sound recording",
    MediaKind.LIVE: "a live link",
    MediaKind.GIF: "an animation",
}


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lexicons: ``papers``, what shows only papers or notices; ``room``, what shows the room or people in it."""

    papers: str = "papers"
    room: str = "room"


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag media by a present member: a warning when the room was closed or recording suspended."""
    own = [media for media in case.post.media if media.kind is not MediaKind.GIF]
    if not trail.holds("it carries a picture, sound, video or live link", own):
        return None
    if not trail.holds("the media is the member's own, not a repost", not case.bare_repost):
        return None
    moment = case.moment
    closed, suspended = moment.closed_session, moment.recording_suspended
    described = case.hits.of(parameters.papers) or any(
        case.room.phrasebook.find(case.room.phrasebook.read(media.alt)).of(parameters.papers) for media in own
    )
    if not trail.holds("its words do not say that it shows papers or notices", not described or closed):
        return None
    shows_room = bool(case.hits.of(parameters.room)) or any(
        case.room.phrasebook.find(case.room.phrasebook.read(media.alt)).of(parameters.room) for media in own
    )
    what = _NOUN[own[0].kind]
    spans = tuple(case.hits.span(hit) for hit in case.hits.of(parameters.room))
    if closed or suspended:
        trail.holds("the public were excluded, or recording was suspended", True)
        state = "the public were excluded" if closed else "the chair had suspended recording"
        severity = Severity.CRITICAL if closed and shows_room else Severity.WARNING
        return Finding(
            basis=Basis.FACT, score=1.0, reason=f"Posted {what} while {state}.", spans=spans, severity=severity
        )
    trail.holds("the public were excluded, or recording was suspended", False)
    if trail.holds("its words say that it shows the room or people in it", shows_room):
        return Finding(
            basis=Basis.FACT, score=0.6, reason=f"Posted {what} that seems to show people in the room.", spans=spans
        )
    return Finding(basis=Basis.FACT, score=0.3, reason=f"Posted {what} during the meeting.", severity=Severity.INFO)
