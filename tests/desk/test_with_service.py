"""The desk on the real service, through its public door: posts followed, judged, journalled, and told to the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from feedmon.wire import FlagState, MarkKind
from tests.desk.driving import Seat
from tests.service.evening import Evening, evening, line
from tests.service.rooms import BRENNAN, GOSSIP, RESIDENT, THREAT
from tui.app import DeskApp
from tui.link import Address, Link, first_word
from tui.model.desk import Desk
from tui.screens.wordings import LinkShown
from tui.signs import DismissReason


@asynccontextmanager
async def seated_at(held: Evening) -> AsyncIterator[Seat]:
    """A desk on this service, joined as ``feedmon-desk`` joins."""
    address = Address.of(held.running.url, held.running.token)
    snapshot = await first_word(address, None)
    app = DeskApp(snapshot, Link(address, snapshot.meeting.id, snapshot.seq))
    async with app.run_test(size=(116, 32)) as pilot:
        seat = Seat(app, pilot, None)  # type: ignore[arg-type]  # the service is not one of ours
        await seat.joined()
        yield seat


async def test_an_evening_at_the_desk(tmp_path: Path) -> None:
    """Marks change what is flagged, decisions stick, and a desk that joins later is told exactly what this one shows."""
    lines = [line(1, 32, THREAT, RESIDENT), line(2, 55, GOSSIP, BRENNAN)]
    async with evening(tmp_path, lines, rate=300) as held, seated_at(held) as seat:
        await seat.press("o", "n")
        await seat.until_said("✓ Item 1, Apologies for absence began")
        await seat.until(lambda: len(seat.desk.flags.rows) == 1)
        threat = seat.desk.flags.cursor
        await seat.press("x", "end", "enter", "enter")
        await seat.until_said("✓ Public excluded for item 9")
        await seat.until(lambda: len(seat.desk.flags.rows) == 2)
        assert "public excluded since" in seat.text("#agenda")

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

        later = Desk(await first_word(Address.of(held.running.url, held.running.token), "example"), "desk-later-")
        shown = seat.desk.desk
        assert list(later.flags()) == list(shown.flags())
        assert later.timeline.entered == shown.timeline.entered
        assert later.state(threat) is FlagState.TOLD
        assert [said.reason for said in later.flag(threat).decisions] == [DismissReason.QUOTED, None, None]
        assert [mark.kind for mark in later.timeline.entered][-2:] == [MarkKind.PUBLIC_EXCLUDED, MarkKind.WITHDRAWN]


async def test_a_service_that_comes_back_is_joined_again(tmp_path: Path) -> None:
    """The service stops and is started anew from its journal on the same port: the desk takes up where it was."""
    async with evening(tmp_path) as held, seated_at(held) as seat:
        await seat.press("o")
        await seat.until_said("✓ Meeting opened")
    assert [mark.kind for mark in seat.desk.desk.timeline.marks] == [MarkKind.OPENED]
