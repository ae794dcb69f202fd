"""From a Mastodon server's socket to the clerk's desk and the journal: the whole way, nothing replaced."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec
import pytest

from feedmon.journal import open_readonly
from feedmon.model.entries import FlagRaised as RaisedEntry
from feedmon.model.entries import PostCaptured, PostRemoved
from feedmon.model.meeting import Account
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.mastodon_server import MastodonServer
from feedmon.service.app import Preparation, Settings, serving
from feedmon.wire import FlagRaised, decode
from tests.service import rooms
from tests.service.evening import HASTY, eventually
from tests.sources.mastodon_rig import DOMAIN, MEMBER, at, deleted, posted, recording, spec, status

E = TypeVar("E")
SECRET = "kT9-a-bots-own-token"


async def test_posts_are_judged_journalled_and_shown_and_a_deletion_keeps_what_was_captured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEEDMON_TOKEN_MASTODON", SECRET)
    threat = status(1, f"<p>{rooms.THREAT.removesuffix(' #SaltmarshTC')}</p>", 60)
    rain = status(2, "<p>Rain again on Marsh Lane</p>", 120, by=MEMBER, tags=[])
    public = status(3, "<p>Anyone know why the harbour lights were off?</p>", 300)
    acts = (posted(threat), posted(rain), deleted(threat, 200), posted(public))
    first, *others = rooms.meeting().members
    account = Account(network="mastodon", handle="renfrew@estuary.example", id=MEMBER["url"])
    meeting = msgspec.structs.replace(
        rooms.meeting(), members=(msgspec.structs.replace(first, accounts=(account,)), *others)
    )
    clock = RehearsalClock(at(0), 200, held=True)
    plan = FaultPlan({1: [Fault.NO_STATUS]})
    tokens = {SECRET: "read"}
    async with MastodonServer(
        recording(*acts), clock, faults=plan, accounts=[MEMBER], domain=DOMAIN, tokens=tokens
    ) as server:
        meeting = msgspec.structs.replace(meeting, sources=(spec(server.url),))
        settings = Settings(tmp_path, port=0, rate=200, policy=HASTY)
        async with serving([Preparation(meeting, rooms.packs())], settings, clock) as running:

            def kept(kind: type[E]) -> list[E]:
                with open_readonly(running.journal_file) as reader:
                    return [one.entry for one in reader.history(meeting.id) if isinstance(one.entry, kind)]

            headers = {"Authorization": f"Bearer {running.token}"}
            path = f"{running.url}/api/v1/meetings/{meeting.id}/live"
            async with aiohttp.ClientSession(headers=headers) as session, session.ws_connect(path) as desk:
                async for frame in desk:
                    if isinstance(decode(frame.data), FlagRaised):
                        break
            await eventually(lambda: len(kept(PostCaptured)) == 2 and len(kept(PostRemoved)) == 1)
            captured = {entry.post.id: entry for entry in kept(PostCaptured)}
            assert captured.keys() == {threat["uri"], rain["uri"]}
            assert captured[rain["uri"]].member == first.id
            assert (
                captured[threat["uri"]].post.text
                == "Renfrew I know where you live and I am coming round to break your legs"
            )
            assert kept(RaisedEntry)
            await eventually(lambda: server.asked["/api/v2/instance"] == 2)
        assert SECRET.encode() not in running.journal_file.read_bytes()
    assert plan.left == 0
