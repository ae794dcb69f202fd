"""A Mastodon server to follow: the rehearsal server with invented evenings, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec

from feedmon.model.instants import to_micros
from feedmon.model.meeting import Account, Council, Meeting, Member, SourceSpec, Window
from feedmon.model.posts import PostKey
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.mastodon_recording import Act, MastodonRecording
from feedmon.rehearsal.mastodon_server import MastodonServer
from feedmon.sources.base import Source, Tap
from feedmon.sources.mastodon import MastodonSource
from feedmon.sources.mastodon_connection import Pace
from feedmon.sources.select import Selection
from tests.sources.bluesky_frames import EVENING
from tests.sources.source_conformance import Rig, Trouble

DOMAIN = "saltmarsh.example"
MEMBER_URI = "https://estuary.example/users/renfrew"
RATE = 50.0
QUICK = Pace(probe=5, check=5, poll=5, between=1, again=5, ping=0.05, pong=1, hold=2)

MEETING = Meeting(
    id="saltmarsh",
    title="Full Council",
    council=Council(
        name="Saltmarsh Town Council",
        accounts=(Account(network="mastodon", handle=f"council@{DOMAIN}", id=f"https://{DOMAIN}/@council"),),
    ),
    packs=("ventnor",),
    window=Window(EVENING, EVENING + timedelta(hours=3)),
    hashtags=("#SaltmarshTC", "#Llanfaïr"),
    members=(
        Member(
            id="tobias-renfrew",
            name="Tobias Renfrew",
            accounts=(
                Account(network="mastodon", handle="@Renfrew@estuary.example", id=MEMBER_URI),
                Account(network="bluesky", handle="renfrew.example", id="did:plc:renfrew00000000000000000"),
            ),
        ),
        Member(
            id="priya-sandhu",
            name="Priya Sandhu",
            accounts=(Account(network="mastodon", handle=f"sandhu@{DOMAIN}"),),
        ),
    ),
)
TAGS_ONLY = msgspec.structs.replace(
    MEETING, members=(), council=msgspec.structs.replace(MEETING.council, accounts=()), hashtags=("#SaltmarshTC",)
)


def spec(url: str) -> SourceSpec:
    """A source of the meeting's, at this server."""
    return SourceSpec(kind="mastodon", name="mastodon", url=url)


def at(seconds: float) -> datetime:
    """So many seconds into the evening."""
    return EVENING + timedelta(seconds=seconds)


def iso(moment: datetime) -> str:
    """A time as Mastodon writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def account(name: str, domain: str = DOMAIN, number: str | None = None, **more: Any) -> dict[str, Any]:
    """An account, as this server sees it."""
    return {
        "id": number or str(1000 + sum(map(ord, name + domain))),
        "username": name,
        "acct": name if domain == DOMAIN else f"{name}@{domain}",
        "display_name": name.title(),
        "url": f"https://{domain}/@{name}",
        "uri": f"https://{domain}/users/{name}",
        **more,
    }


RESIDENT = account("resident")
STRANGER = account("stranger", "elsewhere.example")
MEMBER = account("renfrew", "estuary.example")
SANDHU = account("sandhu")


def number_at(moment: datetime, nth: int = 0) -> str:
    """The number a server gives to a post of that moment."""
    return str(((to_micros(moment) // 1000) << 16) + nth)


def status(
    nth: int,
    content: str = "<p>Words</p>",
    seconds: float = 0.0,
    *,
    by: dict[str, Any] = RESIDENT,
    tags: Sequence[str] = ("saltmarshtc",),
    edited: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A status posted so many seconds into the evening; ``edited`` likewise."""
    moment = at(seconds)
    number = more.pop("id", number_at(moment, nth))
    return {
        "id": number,
        "created_at": iso(moment),
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"{by['uri']}/statuses/{nth}",
        "url": f"{by['url']}/{nth}",
        "edited_at": None if edited is None else iso(at(edited)),
        "content": content,
        "reblog": None,
        "account": by,
        "media_attachments": [],
        "mentions": [],
        "tags": [{"name": tag, "url": f"https://{DOMAIN}/tags/{tag}"} for tag in tags],
        "emojis": [],
        "card": None,
        "poll": None,
        **more,
    }


def posted(one: dict[str, Any], seconds: float | None = None, *, streamed: bool = True) -> Act:
    """A status appears on the server, at its own time or at another."""
    event = "status.update" if one["edited_at"] else "update"
    claimed = datetime.fromisoformat(one["edited_at"] or one["created_at"])
    due = to_micros(claimed if seconds is None else at(seconds))
    return Act(due, event, one["id"], msgspec.json.encode(one).decode(), one, streamed)


def deleted(one: dict[str, Any], seconds: float, *, streamed: bool = True) -> Act:
    """A status is deleted."""
    return Act(to_micros(at(seconds)), "delete", one["id"], one["id"], None, streamed)


def recording(*acts: Act) -> MastodonRecording:
    """An evening in which these things happen."""
    return MastodonRecording("test", acts or (Act(to_micros(at(10_000)), "filters_changed", "", ""),))


def source_for(
    server: MastodonServer,
    meeting: Meeting = TAGS_ONLY,
    *,
    held: Sequence[str] = (),
    tap: Tap | None = None,
    pace: Pace = QUICK,
) -> MastodonSource:
    """A source that follows the server for a meeting."""
    keys = [PostKey("mastodon", uri) for uri in held]
    return MastodonSource(spec(server.url), Selection.of([meeting]), held=keys, tap=tap, pace=pace)


FAULTS = {
    Trouble.CUT: Fault.DROP,
    Trouble.CLEAN_CLOSE: Fault.NO_STATUS,
    Trouble.GARBAGE: Fault.GARBAGE,
    Trouble.DUPLICATE: Fault.DUPLICATE,
}


class MastodonServing:
    """A rehearsal server with posts of the meeting's and deletions of others' in turn, two seconds apart."""

    def __init__(self, server: MastodonServer, ids: Sequence[str]) -> None:
        self.server = server
        self.clock = server.clock
        self.ids = ids

    @property
    def connections(self) -> int:
        return self.server.connections

    def source(self, tap: Tap | None = None) -> Source:
        return source_for(self.server, tap=tap)


class MastodonRig(Rig):
    replays = True

    def __init__(self, *, gotosocial: bool = False) -> None:
        self._gotosocial = gotosocial

    @asynccontextmanager
    async def serve(
        self, posts: int, trouble: dict[int, Trouble] | None = None, answers: Sequence[int] = ()
    ) -> AsyncIterator[MastodonServing]:
        yesterday = [status(900 + nth, seconds=-90_000 + nth) for nth in range(posts)]
        ours = [status(nth, f"<p>{nth} #SaltmarshTC</p>", 4.0 + 4.0 * nth) for nth in range(posts)]
        acts: list[Act] = []
        for nth in range(posts):
            acts += [deleted(yesterday[nth], 2.0 + 4.0 * nth), posted(ours[nth])]
        plan = FaultPlan({2 * place + 1: [FAULTS[what]] for place, what in (trouble or {}).items()}, answers=answers)
        clock = RehearsalClock(EVENING, RATE, held=True)
        server = MastodonServer(
            recording(*acts),
            clock,
            faults=plan,
            before=yesterday,
            domain=DOMAIN,
            gotosocial=self._gotosocial,
            settled=2,
        )
        async with server:
            yield MastodonServing(server, [one["uri"] for one in ours])
