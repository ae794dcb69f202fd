"""The desk on the real service, through its public door: posts followed, judged, journalled, and told to the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.jetstream_server import JetstreamServer
from feedmon.rehearsal.recording import recording_of
from feedmon.service.app import Preparation, Running, Settings
from feedmon.service.app import serving as service_of
from feedmon.wire import DismissReason, FlagState, MarkKind
from tests.desk.driving import Seat, frozen, read
from tests.service import rooms
from tests.service.evening import HASTY, RATE, followed, line
from tests.service.rooms import BRENNAN, GOSSIP, RESIDENT, THREAT
from tui.app import DeskApp
from tui.link import Address, Link, first_word
from tui.model.desk import Desk
from tui.screens.calm import Calm
from tui.screens.wordings import LinkShown


def address_of(running: Running) -> Address:
    """Where this service is."""
    return Address.of(running.url, running.token)


@asynccontextmanager
async def seated_at(address: Address) -> AsyncIterator[Seat]:
    """A desk on the service at this address, joined as ``feedmon-desk`` joins; its time goes by what it is told."""
    snapshot = await first_word(address, None)
    app = DeskApp(snapshot, Link(address, snapshot.meeting.id, snapshot.seq), ticks=frozen)
    async with app.run_test(size=(116, 32)) as pilot:
        seat = Seat(app, pilot, None)  # type: ignore[arg-type]  # the service is not one of ours
        await seat.joined()
        yield seat


@asynccontextmanager
async def following(data: Path, lines: list[bytes]) -> AsyncIterator[Running]:
    """A service whose feed says these lines, from seven o'clock on."""
    clock = RehearsalClock(rooms.at(30), RATE, held=True)
    async with JetstreamServer(recording_of(lines, "test"), clock, pulse=0.1) as feed:
        settings = Settings(data, port=0, rehearsal=feed.url, rate=RATE, policy=HASTY)
        async with service_of([Preparation(followed(), rooms.packs())], settings, clock) as running:
            yield running


@asynccontextmanager
async def waiting(data: Path, port: int = 0) -> AsyncIterator[Running]:
    """A service that follows nothing, at seven o'clock."""
    meeting = msgspec.structs.replace(rooms.meeting(), sources=())
    clock = RehearsalClock(rooms.at(30), held=True)
    async with service_of([Preparation(meeting, rooms.packs())], Settings(data, port=port), clock) as running:
        yield running


async def test_an_evening_at_the_desk(tmp_path: Path) -> None:
    """Marks change what is flagged, decisions stick, and a desk that joins later is told just what this one shows."""
    async with waiting(tmp_path) as running, seated_at(address_of(running)) as seat:
        await seat.press("o", "n")
        await seat.until_said("✓ Item 1, Apologies for absence began")
        await seat.press("x", "end", "enter", "enter")
        await seat.until_said("✓ Public excluded for item 9")

    lines = [line(1, 32, THREAT, RESIDENT), line(2, 34, GOSSIP, BRENNAN)]
    async with following(tmp_path, lines) as running, seated_at(where := address_of(running)) as seat:
        assert "public excluded since 19:00" in seat.text("#agenda")
        await seat.until(lambda: len(seat.desk.flags.rows) == 2)
        threat = next(view.flag.id for view in seat.desk.desk.flags() if view.flag.kind == "threat")
        await seat.press("home")
        assert seat.desk.flags.cursor == threat

        await seat.press("U")
        await seat.until(lambda: "no longer raised" in seat.text("#flags"))
        await seat.press("d", "q")
        await seat.until_said("✓ Dismissed: quoting someone else")
        await seat.press("u")
        await seat.until_said("✓ Undone: dismissed")
        await seat.press("t", "enter")
        await seat.until_said("✓ Chair told")

        await seat.press("l")
        await seat.until(lambda: isinstance(seat.app.screen, LinkShown))
        await seat.press("escape")
        await seat.until(lambda: seat.desk.desk.pending == 0)

        later = Desk(await first_word(where, "example"), "desk-later-")
        shown = seat.desk.desk
        assert list(later.flags()) == list(shown.flags())
        assert later.timeline.entered == shown.timeline.entered
        assert later.state(threat) is FlagState.TOLD
        assert [said.reason for said in later.flag(threat).decisions] == [DismissReason.QUOTED, None, None]
        assert [mark.kind for mark in later.timeline.entered][-2:] == [MarkKind.PUBLIC_EXCLUDED, MarkKind.WITHDRAWN]


async def test_a_post_captured_by_hand_is_judged_like_any_other(tmp_path: Path) -> None:
    """What the service refuses is told in the form; what it takes raises its flag, veiled, shown, and blanked."""
    async with waiting(tmp_path) as running, seated_at(address_of(running)) as seat:
        await seat.press("m", *"Facebook", "tab", "G", "space", "W", "tab", *"23:59", "tab", "tab", "tab", "tab")
        await seat.press(*["space" if letter == " " else letter for letter in THREAT], "enter")
        await seat.until(lambda: "is still to come" in read(seat.app.screen))
        await seat.press("shift+tab", "shift+tab", "shift+tab", "shift+tab", "ctrl+u", "ctrl+s")
        await seat.until_said("✓ Captured: what G W posted on Facebook.")
        await seat.until(lambda: len(seat.desk.flags.rows) == 1)
        (view,) = seat.desk.desk.flags()
        assert (view.post.text, view.post.source, view.post.network) == (THREAT, "by hand", "facebook")

        veiled = seat.desk.desk.shown(view.flag.id)
        assert veiled is not None
        told = "\n".join(
            [veiled.post.text, veiled.flag.reason, *(f"{s.condition} {s.detail}" for s in veiled.flag.steps)]
        )
        matched = [view.post.text[span.start : span.end] for span in view.flag.spans]
        assert [words for words in matched if words.casefold() in told.casefold()] == []
        assert matched
        assert "•" in seat.text("#post")
        await seat.press("w")
        assert "•" not in seat.text("#post")
        await seat.press("ctrl+l")
        assert isinstance(seat.app.screen, Calm)
        await seat.press("enter", "j")
        assert seat.app.screen is seat.desk


async def test_a_service_that_comes_back_is_joined_again(tmp_path: Path) -> None:
    """The service stops and is started anew from its journal: the desk takes up where it was, and nothing is lost."""
    async with AsyncExitStack() as first, AsyncExitStack() as desk:
        running = await first.enter_async_context(waiting(tmp_path))
        address = address_of(running)
        seat = await desk.enter_async_context(seated_at(address))
        await seat.press("o")
        await seat.until_said("✓ Meeting opened")

        await first.aclose()
        await seat.until(lambda: "The service has stopped" in seat.text("#banner"))
        await seat.press("n")
        assert "1 act of yours is kept" in seat.prose("#banner")

        async with waiting(tmp_path, address.url.port or 0):
            await seat.until_said("✓ Item 1, Apologies for absence began")
            await seat.until(lambda: not seat.desk.query_one("#banner").display)
            marks = (await first_word(address, None)).marks
            assert [mark.kind for mark in marks] == [MarkKind.OPENED, MarkKind.ITEM_STARTED]
            assert seat.desk.desk.timeline.entered == marks
