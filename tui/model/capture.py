"""A post entered by hand at the desk: what the clerk typed, and the request it makes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from feedmon.wire import CaptureRequest, MediaKind

_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?")
_AHEAD = timedelta(hours=12)


class Unreadable(Exception):
    """What was typed cannot be made a request. Says why, in one sentence to the clerk."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the form, as it was typed. ``when`` is a local time of day, empty for now."""

    where: str = ""
    who: str = ""
    when: str = ""
    url: str = ""
    text: str = ""
    member: str | None = None
    media: MediaKind | None = None

    def request(self, act_id: str, now: datetime, zone: tzinfo) -> CaptureRequest:
        """The capture it asks for, entered ``now`` by a clerk in ``zone``.

        Raises Unreadable for what only the desk can tell; whether it is a post is for the service to say.
        """
        for what, typed in (("where the post is", self.where), ("who posted", self.who)):
            if not typed.strip():
                raise Unreadable(f"Say {what}.")
        return CaptureRequest(
            id=act_id,
            network=self.where.strip().casefold(),
            author=self.who.strip(),
            text=self.text.strip(),
            at=_instant(self.when.strip(), now, zone),
            url=self.url.strip(),
            member=self.member,
            media=(self.media,) if self.media else (),
        )


def _instant(typed: str, now: datetime, zone: tzinfo) -> datetime:
    """The last time this evening that a clock in ``zone`` showed what was typed."""
    if not typed:
        return now
    match = _TIME.fullmatch(typed)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (24, 0, 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise Unreadable(f"“{typed}” is no time of day. Write it like 19:42, or leave it empty for now.")
    local = now.astimezone(zone)
    at = local.replace(hour=hours, minute=minutes, second=seconds, microsecond=0)
    if at - local > _AHEAD:  # before midnight, said after it
        at -= timedelta(days=1)
    return at.astimezone(now.tzinfo)
