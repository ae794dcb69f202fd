"""Following for real: posts over a real socket, judged by the moment, told to desks, through drops and stops."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from types import UnionType

import aiohttp
import msgspec
import pytest

from feedmon.journal import open_readonly, verify
from feedmon.model.entries import FlagRaised as RaisedEntry
from feedmon.model.entries import FollowingStarted, FollowingStopped, MeetingPrepared, PostCaptured
from feedmon.model.meeting import Meeting, Window
from feedmon.model.timeline import MarkKind
from feedmon.service.following import stretches
from feedmon.wire import FlagCleared, FlagRaised, FollowingEnded, Snapshot, SourceChanged, decode
from tests.service.evening import Evening, evening, eventually, followed, line
from tests.service.rooms import BRENNAN, GOSSIP, HARMLESS, OLDROYD, RESIDENT, RESIDENTS_VIEW, THREAT, at, mark

OPENED = mark("m1", MarkKind.OPENED, 30)
EXCLUDED = mark("m2", MarkKind.PUBLIC_EXCLUDED, 31)


def written(held: Evening, kind: type | UnionType = PostCaptured) -> list[object]:
    with open_readonly(held.running.journal_file) as reader:
        return [one.entry for one in reader.history(held.meeting.id) if isinstance(one.entry, kind)]


async def everything_from(socket: aiohttp.ClientWebSocketResponse) -> list[object]:
    return [decode(frame.data) async for frame in socket]


def all_bytes_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_posts_are_judged_by_the_moment_they_were_posted_in(tmp_path: Path) -> None:
    """A late mark raises what it should have raised, a correction clears it with a reason, all heard live."""
    lines = [line(1, 33, GOSSIP, BRENNAN), line(2, 36, HARMLESS, OLDROYD), line(3, 36.5, RESIDENTS_VIEW, RESIDENT)]
    async with evening(tmp_path, lines) as held, held.desk() as desk:
        assert (await desk.snapshot()).protocol == 1
        await desk.until(SourceChanged, lambda message: message.counts.public_posts == 1)
        assert not any(isinstance(message, FlagRaised) for message in desk.heard)
        await desk.post("marks", OPENED)
        await desk.post("marks", EXCLUDED)
        raised = (await desk.flags(2))[0]
        assert raised.view.flag.moment.public_excluded
        await desk.post("marks", mark("m3", MarkKind.PUBLIC_EXCLUDED, 33.5, supersedes="m2"))
        cleared = await desk.until(FlagCleared)
        assert "was corrected" in cleared.why
        async with held.desk() as late:
            snapshot = await late.snapshot()
        assert sorted(view.cleared is None for view in snapshot.flags) == [False, True]
        assert snapshot.counts.members_posts == 2
        assert snapshot.rate == held.clock.rate
        assert {rule.id for rule in snapshot.rules} >= {raised.view.flag.rule}


async def test_a_desk_that_dropped_out_goes_on_where_it_was(tmp_path: Path) -> None:
    """What it missed comes one by one; numbers follow on without a gap or a repeat, whatever happens in between."""
    lines = [line(number, 30 + number * 0.4, THREAT + f" ({number})", RESIDENT) for number in range(1, 21)]
    async with evening(tmp_path, lines) as held:
        async with held.desk() as desk:
            begun = await desk.until(Snapshot, lambda snapshot: snapshot.following)
        heard = [begun.seq]
        flags = {view.flag.id for view in begun.flags}
        while len(flags) < 20:
            async with held.desk(heard[-1]) as desk:
                for _ in range(6):
                    message = await desk.hear()
                    assert not isinstance(message, Snapshot)
                    heard.append(message.seq)
                    if isinstance(message, FlagRaised):
                        flags.add(message.view.flag.id)
        assert heard == list(range(heard[0], heard[0] + len(heard)))


async def test_a_desk_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    """One socket is never read from; the other hears everything, and the service stops in time."""
    lines = [line(number, 31 + number / 100, THREAT + "!" * number, RESIDENT) for number in range(1, 301)]
    async with evening(tmp_path, lines) as held, held.desk(), held.desk() as quick:
        heard = {flag.view.flag.id for flag in await quick.flags(300)}
        assert len(heard) == 300


async def test_stopping_tells_desks_and_ends_the_record(tmp_path: Path) -> None:
    """FollowingEnded, then the line closes; the journal says when following began and stopped, and is whole."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        async with evening(tmp_path) as held:
            socket = await session.ws_connect(
                held.running.url + held.path("live"), headers={"Authorization": f"Bearer {held.running.token}"}
            )
            hearing = tasks.create_task(everything_from(socket))
        messages = await hearing
    assert isinstance(messages[-1], FollowingEnded)
    assert messages[-1].why == "The service was stopped."
    assert socket.close_code == 1000
    assert len(written(held, MeetingPrepared)) == len(written(held, FollowingStarted)) == 1
    assert [stop.why for stop in written(held, FollowingStopped)] == ["The service was stopped."]  # type: ignore[attr-defined]
    assert verify(held.running.journal_file).whole


async def test_a_stop_right_after_a_late_mark_still_raises_what_the_mark_brings(tmp_path: Path) -> None:
    """What waits to be judged again is judged before the last word, however much it is."""
    lines = [line(number, 33, f"{GOSSIP} ({number})", BRENNAN) for number in range(200)]
    async with evening(tmp_path, lines, starts=32.5) as held, held.desk() as desk:
        await desk.post("marks", OPENED)
        await desk.until(SourceChanged, lambda message: message.counts.members_posts == 200)
        await desk.post("marks", EXCLUDED)
    entries = written(held, RaisedEntry | FollowingStopped)
    assert len({one.flag.id for one in entries if isinstance(one, RaisedEntry)}) == 200
    assert isinstance(entries[-1], FollowingStopped)


async def test_a_later_start_goes_on_from_the_journal(tmp_path: Path) -> None:
    """Flags, decisions and marks are there again; nothing is raised or written twice."""
    lines = [line(1, 33, GOSSIP, BRENNAN), line(2, 38, GOSSIP + " Again.", OLDROYD)]
    async with evening(tmp_path, lines) as held, held.desk() as desk:
        await desk.post("marks", OPENED)
        await desk.post("marks", EXCLUDED)
        (raised,) = await desk.flags(1)
        await desk.post("decisions", {"id": "d1", "flag": raised.view.flag.id, "kind": "keep"})
    async with evening(tmp_path, lines, starts=34) as held, held.desk() as desk:
        snapshot = await desk.snapshot()
        assert [(view.flag, [each.id for each in view.decisions]) for view in snapshot.flags] == [
            (raised.view.flag, ["d1"])
        ]
        assert [each.id for each in snapshot.marks] == ["m1", "m2"]
        (second,) = await desk.flags(1)
        assert second.view.flag.id != raised.view.flag.id
    posts = [one.post.id for one in written(held)]  # type: ignore[attr-defined]
    assert len(posts) == len(set(posts)) == 2


# ------------------------------------------------------------------------------------------------------- windows


async def test_following_waits_for_the_window_and_stops_with_it(tmp_path: Path) -> None:
    """Posts before and after are nobody's business; the desk is told when it begins and why it ends."""
    lines = [line(number, minutes, GOSSIP, BRENNAN) for number, minutes in ((1, 27), (2, 33), (3, 37), (4, 41))]
    short = followed(window=Window(at(30), at(38)))
    async with evening(tmp_path, lines, starts=25, meetings=[short]) as held, held.desk() as desk:
        assert not (await desk.snapshot()).following
        assert (await desk.snapshot()).following
        ended = await desk.until(FollowingEnded)
        assert ended.why == "The time for following this meeting ended at 19:08."
        await desk.until(SourceChanged, lambda message: message.state.condition == "stopped")
        await held.clock.sleep_until(at(43))
        status, _ = await desk.post("marks", OPENED)
        assert status == 200
    assert [post.post.observed_at for post in written(held)] == [at(33), at(37)]  # type: ignore[attr-defined]


async def test_a_late_start_catches_up_with_what_the_network_still_has(tmp_path: Path) -> None:
    """Started in the middle of the meeting, it asks for what came since the window opened, and shows the gap."""
    lines = [line(1, 5, GOSSIP, BRENNAN), line(2, 33, GOSSIP, OLDROYD)]
    async with evening(tmp_path, lines, starts=32) as held, held.desk() as desk:
        await desk.until(SourceChanged, lambda message: message.counts.members_posts == 2)
        async with held.desk() as late:
            (gap,) = (await late.snapshot()).gaps
        assert gap.start == at(0)
        assert gap.filled


def test_meetings_that_share_a_feed_share_its_connection_while_their_windows_touch() -> None:
    """Two evenings are two stretches; two committees of one evening are one."""

    def on(name: str, starts: int, stops: int) -> Meeting:
        return followed(id=name, window=Window(at(starts), at(stops)))

    meetings = [on("late", 100, 160), on("a", 0, 60), on("b", 60, 90), on("c", 30, 40)]
    found = [([meeting.id for meeting in one.meetings], one.window) for one in stretches(meetings, [])]
    assert found == [(["a", "c", "b"], Window(at(0), at(90))), (["late"], Window(at(100), at(160)))]


async def test_two_meetings_hear_only_what_is_theirs(tmp_path: Path) -> None:
    """One feed, two hashtags, two rosters: each post goes where it belongs."""
    other = followed(id="other", hashtags=("#PorthwennTC",), members=())
    lines = [line(1, 33, THREAT, RESIDENT), line(2, 34, "Bins again at #PorthwennTC", RESIDENT)]
    async with evening(tmp_path, lines, meetings=[followed(), other]) as held, held.desk() as desk:
        await desk.flags(1)
        there = msgspec.structs.replace(held.meeting, id="other")
        async with Evening(held.running, held.clock, held.data, there).desk() as elsewhere:
            await elsewhere.until(SourceChanged, lambda message: message.counts.public_posts == 1)
            async with elsewhere.evening.desk() as late:
                assert (await late.snapshot()).flags == ()


# ------------------------------------------------------------------------------------------- privacy, and trouble


async def test_an_unflagged_post_of_the_public_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    """Not its text, not its author, not its address: in no file, the write-ahead log included."""
    lines = [
        line(1, 31, RESIDENTS_VIEW, RESIDENT),
        line(1, 32, RESIDENTS_VIEW + " Lights, I mean.", RESIDENT, operation="update"),
        line(1, 33, "", RESIDENT, operation="delete"),
        line(2, 34, GOSSIP, BRENNAN),
    ]
    async with evening(tmp_path, lines) as held, held.desk() as desk:
        await desk.post("marks", OPENED)
        await desk.post("marks", EXCLUDED)
        await desk.flags(1)
        assert held.running.journal_file.with_name("journal.db-wal").exists()
        while_running = all_bytes_in(tmp_path)
    for disk in (while_running, all_bytes_in(tmp_path)):
        assert b"short memories" in disk
        for trace in (b"harbour lights", b"gullwatcher"):
            assert trace not in disk


@pytest.mark.fault
async def test_while_the_journal_cannot_be_written_everybody_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    """The file is taken away in mid-meeting and put back: acts wait or are refused, flags come after, all is kept."""
    lines = [line(1, 40, GOSSIP, BRENNAN)]
    async with evening(tmp_path, lines) as held, held.desk() as desk, asyncio.TaskGroup() as tasks:
        await desk.post("marks", OPENED)
        journal, away = held.running.journal_file, tmp_path / "away.db"
        journal.rename(away)
        waiting = tasks.create_task(desk.post("marks", EXCLUDED))
        trouble = await desk.until(SourceChanged, lambda message: message.state.name == "journal")
        assert trouble.state.condition == "lost"
        assert "moved" in trouble.state.why
        async with held.session() as session, session.get("/readyz") as answer:
            assert answer.status == 503
            assert "moved" in await answer.text()
        assert not waiting.done()
        async with held.desk() as another:
            assert [each.id for each in (await another.snapshot()).marks] == ["m1"]
        await held.clock.sleep_until(at(41))
        away.rename(journal)
        assert (await waiting)[0] == 200
        await desk.flags(1)
        await desk.until(SourceChanged, lambda message: message.state.condition == "live")
    assert verify(journal).whole
    assert len(written(held)) == 1


@pytest.mark.fault
async def test_an_act_that_cannot_be_made_durable_in_time_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with a plain word; sent again once the journal is back, it is answered, and it is there once."""
    monkeypatch.setattr("feedmon.service.api._ANSWER_WITHIN", 0.3)
    async with evening(tmp_path) as held, held.desk() as desk:
        journal, away = held.running.journal_file, tmp_path / "away.db"
        journal.rename(away)
        assert (await desk.post("marks", OPENED))[0] == 503
        away.rename(journal)
        await desk.until(SourceChanged, lambda message: message.state.name == "journal")
        await eventually(lambda: journal.exists())
        statuses = [(await desk.post("marks", OPENED))[0] for _ in range(12)]
        assert statuses[-1] == 200
        async with held.desk() as another:
            assert [each.id for each in (await another.snapshot()).marks] == ["m1"]


@pytest.mark.fault
async def test_a_stop_does_not_wait_for_ever_for_a_journal_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It tries for a while, says how much is not written, tells the desks, and ends."""
    monkeypatch.setattr("feedmon.service.pipeline._LAST_TRIES", 0.3)
    async with asyncio.timeout(10), evening(tmp_path) as held, held.desk() as desk:
        await desk.until(Snapshot, lambda snapshot: snapshot.following)
        held.running.journal_file.unlink()
    assert "entries not in the journal" in caplog.text


async def test_time_in_the_snapshot_is_the_meetings_own(tmp_path: Path) -> None:
    """A rehearsal has its own clock, and says how fast it runs."""
    async with evening(tmp_path, starts=30) as held, held.desk() as desk:
        snapshot = await desk.snapshot()
        assert at(30) <= snapshot.now <= at(30) + timedelta(minutes=20)
