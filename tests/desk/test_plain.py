"""``feedmon-desk --plain``: a line for each thing that happens, without any control of the screen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given

from feedmon.wire import (
    Author,
    ChairSaw,
    Counts,
    Decision,
    DecisionKind,
    DecisionMade,
    DismissReason,
    FlagCleared,
    FlagRaised,
    FlagState,
    FollowingEnded,
    Gap,
    GapSeen,
    Mark,
    MarkKind,
    MarkMade,
    Message,
    PostDeleted,
    SourceChanged,
    SourceCondition,
)
from tests.desk.driving import PATIENCE
from tests.desk.evening import FLAGS, MARKS, NOW, SOURCES, at, attack, closed, snapshot
from tests.desk.test_text import drawable, hostile
from tests.desk.test_with_service import following
from tests.desk.wire_service import WireService, serving
from tests.service.evening import line
from tests.service.rooms import RESIDENT, THREAT
from tui.link import Address
from tui.plain import Teller


def opened(**parts: object) -> tuple[Teller, list[str]]:
    """A teller that was told a snapshot, and what it says to begin with."""
    first = snapshot(**parts)  # type: ignore[arg-type]  # the snapshot's own parts
    teller = Teller(first, discreet=True)
    return teller, list(teller.opening(first))


def heard(teller: Teller, *messages: Message) -> list[str]:
    """What it says of these messages."""
    return [told for message in messages for told in teller.hear(message, NOW)]


class TestTelling:
    """What is said, in which words."""

    def test_it_begins_with_where_things_stand(self) -> None:
        """The meeting, the moment, sources, gaps, and the flags so far, strong words and closed titles veiled."""
        _, lines = opened()
        assert lines[:4] == [
            "19:42:00 Full Council, Saltmarsh Town Council.",
            "19:42:00 During item 5, Quayside car park: charges and resurfacing, 4 min in.",
            "18:31:00 Source bluesky: live.",
            "19:42:00 Source bluesky: 19:12:00 to 19:13:30 has been replayed since.",
        ]
        assert lines[4].startswith(
            "19:38:15 Flag, warning: possible, clauses 5.1 and 5.8, for review. An attack on a person. Graham Oldroyd "
            "wrote: “Toby's numbers again. Honestly the man is a [veiled] and all"
        )
        assert lines[4].endswith("Calls a colleague “[veiled]”. Rests on a reading of the text, score 0.72.")
        assert len(lines) == 7

    def test_what_happens_is_told_line_by_line(self) -> None:
        """Flags raised and cleared, decisions and their undoing, marks and corrections, sources and gaps, the end."""
        teller, _ = opened(flags=FLAGS[:1])
        told = Decision(id="d1", flag="f0001", kind=DecisionKind.TELL_CHAIR, at=at(43), words="Order.")
        dismissed = Decision(
            id="d2", flag="f0001", kind=DecisionKind.DISMISS, at=at(44), reason=DismissReason.HUMOUR, by="deputy"
        )
        undone = Decision(id="d3", flag="f0001", kind=DecisionKind.UNDO, at=at(44.5), undoes="d2")
        lost = msgspec.structs.replace(SOURCES[0], condition=SourceCondition.LOST, since=at(45), why="no answer")
        mark = Mark(id="x", kind=MarkKind.ITEM_STARTED, at=at(45), item="8")
        lines = heard(
            teller,
            DecisionMade(seq=1, decision=told, state=FlagState.TOLD),
            ChairSaw(seq=2, flag="f0001", at=at(43.5)),
            DecisionMade(seq=3, decision=dismissed, state=FlagState.DISMISSED),
            DecisionMade(seq=4, decision=undone, state=FlagState.TOLD),
            MarkMade(seq=5, mark=mark),
            MarkMade(seq=6, mark=Mark(id="y", kind=MarkKind.WITHDRAWN, at=at(46), supersedes="x")),
            SourceChanged(seq=7, state=lost, counts=Counts()),
            GapSeen(seq=8, gap=Gap(source="bluesky", start=at(45), end=at(46), filled=False)),
            FlagCleared(seq=9, flag="f0001", why="judged again"),
            FlagRaised(seq=10, view=FLAGS[0]),
            PostDeleted(seq=11, post=FLAGS[0].flag.post, at=at(47)),
            FollowingEnded(seq=12, at=at(48), why="the window is over"),
        )
        about = "warning, clauses 5.1 and 5.8, on Graham Oldroyd"
        assert lines[:9] == [
            f"19:43:00 Chair told, by clerk: “Order.” ({about}).",
            f"19:43:30 Seen by the chair ({about}).",
            f"19:44:00 Dismissed: humour, by deputy ({about}).",
            f"19:44:30 Undone: dismissed: humour, by clerk ({about}).",
            "19:45:00 Mark: Item 8, closed item began, 19:45:00, by clerk.",
            "19:46:00 Mark: Mark taken back, instead of: Item 8, closed item began, 19:46:00, by clerk.",
            "19:45:00 Source bluesky: lost, no answer.",
            "19:42:00 Source bluesky: 19:45:00 to 19:46:00 was not seen.",
            f"19:42:00 Flag no longer raised ({about}). Judged again.",
        ]
        assert lines[9].startswith("19:38:15 Flag, warning")
        assert lines[10:] == [
            f"19:47:00 Post deleted by its author ({about}).",
            "19:48:00 Following ended. The window is over.",
        ]

    def test_nothing_is_told_twice(self) -> None:
        """The same message again, or all of it anew as a snapshot, adds only what is new in it."""
        teller, _ = opened()
        new = FlagRaised(seq=101, view=closed(9, "Figures", 41, MARKS))
        (first,) = heard(teller, new, new)
        assert "posted" not in first
        assert ", with a picture." in first
        assert heard(teller, snapshot(flags=(*FLAGS, new.view))) == []
        (mark,) = heard(teller, snapshot(marks=(*MARKS, Mark(id="z", kind=MarkKind.ADJOURNED, at=at(43)))))
        assert mark == "19:43:00 Mark: Meeting adjourned, 19:43:00, by clerk."

    def test_unveiled(self) -> None:
        """Asked for, words and titles are told as they are."""
        first = snapshot()
        lines = list(Teller(first, discreet=False).opening(first))
        assert "complete muppet" in "".join(lines)

    @given(hostile)
    def test_strangers_text_is_one_harmless_line(self, text: str) -> None:
        """Whatever a post, a name or a reason holds: one line, with nothing in it that is not drawn."""
        view = attack(1, "x", 40)
        post = msgspec.structs.replace(view.post, text=text, author=Author(text[:60], name=text[:90]))
        flag = msgspec.structs.replace(view.flag, member=None, reason=text, title=text)
        teller, _ = opened(flags=())
        for told in heard(teller, FlagRaised(seq=1, view=msgspec.structs.replace(view, post=post, flag=flag))):
            assert drawable(told)
            assert "\n" not in told


@asynccontextmanager
async def program(address: Address) -> AsyncIterator[asyncio.subprocess.Process]:
    """``feedmon-desk --plain`` on this service, as a program of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "--plain", "--url", str(address.url)),
        env={**os.environ, "FEEDMON_TOKEN": address.token, "PYTHONIOENCODING": "utf-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until_line(process: asyncio.subprocess.Process, words: str) -> str:
    """Read on to the line that says this."""
    assert process.stdout is not None
    async with asyncio.timeout(2 * PATIENCE):
        while told := (await process.stdout.readline()).decode():
            assert drawable(told)
            if words in told:
                return told
    raise AssertionError(f"never said {words!r}")


async def joined(service: WireService) -> None:
    """Wait until a program listens."""
    async with asyncio.timeout(2 * PATIENCE):
        while len(service.joined) < 2:  # noqa: ASYNC110 (plain state, with no event of its own)
            await asyncio.sleep(0.02)


class TestProgram:
    """As it is run."""

    @pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
    async def test_it_tells_until_asked_to_stop(self, asked: signal.Signals) -> None:
        """Lines as things happen, over a lost link too; Ctrl+C ends it with 0 and not a word on standard error."""
        async with serving(snapshot()) as service, program(service.address) as process:
            await until_line(process, "bluesky: live.")
            await joined(service)
            await service.tell(MarkMade(seq=0, mark=Mark(id="a", kind=MarkKind.ADJOURNED, at=at(42))))
            await until_line(process, "Mark: Meeting adjourned")
            await service.stop()
            await until_line(process, "The link to the service is lost")
            await service.start()
            await until_line(process, "The link to the service is back.")
            process.send_signal(asked)
            out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
            assert (process.returncode, out, err) == (0, b"", b"")

    async def test_a_refused_link_ends_it(self) -> None:
        """A token no longer taken cannot mend itself: it says so and stops with 2."""
        async with serving(snapshot()) as service, program(service.address) as process:
            await joined(service)
            service.token = "another"
            await service.cut()
            assert "The service refused the token." in await until_line(process, "refused")
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 2

    @pytest.mark.fault
    async def test_a_reader_that_goes_away_ends_it(self) -> None:
        """Piped into a program that closes early, it stops quietly."""
        async with serving(snapshot()) as service, program(service.address) as process:
            await joined(service)
            process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]  # no public way to hang up
            await service.tell(FlagRaised(seq=0, view=closed(9, "Figures", 41, MARKS)))
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 0

    async def test_on_the_real_service(self, tmp_path: Path) -> None:
        """A threat followed, judged and journalled is told, its words veiled."""
        async with (
            following(tmp_path, [line(1, 32, THREAT, RESIDENT)]) as running,
            program(Address.of(running.url, running.token)) as process,
        ):
            told = await until_line(process, "Flag, ")
            assert "[veiled]" in told
            assert "possible, clause" in told
            process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
