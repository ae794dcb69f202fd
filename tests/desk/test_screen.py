"""What the whole screen shows: panels, hostile posts, banners, time, themes, and how quickly."""

from __future__ import annotations

import time
import unicodedata

import msgspec
import pytest
from rich.cells import cell_len
from textual.geometry import Region
from textual.widget import Widget

from feedmon.wire import (
    Author,
    Counts,
    FeedFault,
    FlagCleared,
    FlagRaised,
    Gap,
    GapSeen,
    PostDeleted,
    SourceChanged,
    SourceCondition,
    Span,
)
from tests.desk.driving import Seat, link_to, read, seated
from tests.desk.evening import FLAGS, MARKS, MEETING, NOW, SOURCES, at, attack, closed, snapshot
from tests.desk.test_text import HOSTILE
from tests.desk.wire_service import serving
from tui.app import DeskApp
from tui.clock import MeetingClock, zone_of
from tui.themes import DARK, LIGHT


def strips_are_sound(root: Widget) -> None:
    """Every strip of every widget is exactly as wide as it says, and holds nothing but drawable characters."""
    for widget in [root, *root.walk_children()]:
        if isinstance(widget, Widget) and widget.size:
            for strip in widget.render_lines(Region(0, 0, *widget.outer_size)):
                assert strip.cell_length == cell_len(strip.text)
                bad = [c for c in strip.text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}]
                assert bad == []


class TestPanels:
    """What stands where."""

    async def test_the_detail_tells_everything_about_the_flag(self) -> None:
        """Post, clause, moment, basis, steps, false alarms, decisions: all in words."""
        async with seated(snapshot(), discreet=False) as seat:
            detail = seat.text("#detail")
            for told in (
                "▲ warning   possible, clauses 5.1 and 5.8, for review",
                "Calls a colleague “complete muppet”.",
                "@oldroyd.example on bluesky, 19:38:12",
                "replies to @renfrew.example",
                "Ventnor Town Council",
                "During item 5, Quayside car park",
                "A reading of the text, score 0.72",
                "“complete muppet” insult",
                "✓ insulting words: complete muppet",
                "✕ kindly meant: no sign of a joke",
                "Friends teasing each other kindly.",
                "None yet.",
                "ventnor.personal_attack",
                "3f2a9c41d07e",
            ):
                assert told in detail

    async def test_what_happened_to_a_post_is_told(self) -> None:
        """Cleared by judging again, deleted, edited: told in the row and in the detail, and the row stays."""
        edited = msgspec.structs.replace(FLAGS[2], edited_at=at(41))
        async with seated(snapshot()) as seat:
            await seat.service.tell(
                FlagCleared(seq=0, flag="f0001", why="Judged again after “item 4 started” was corrected."),
                PostDeleted(seq=0, post=FLAGS[1].flag.post, at=at(41.5)),
                FlagRaised(seq=0, view=edited),
            )
            await seat.until(lambda: "no longer raised" in seat.text("#flags"))
            assert "Judged again after “item 4 started” was corrected." in seat.prose("#what")
            assert "✕ deleted" in seat.text("#flags")
            assert "edited since" in seat.text("#flags")
            await seat.press("j")
            assert "deleted by its author at 19:41:30" in seat.text("#post")
            await seat.press("j")
            assert "edited at 19:41:00" in seat.text("#post")

    async def test_sources_tell_their_condition_gaps_and_faults(self) -> None:
        """Condition, last sign, gaps and what could not be used."""
        lost = msgspec.structs.replace(SOURCES[0], condition=SourceCondition.LOST, why="no answer for 30 s")
        fault = FeedFault(source="bluesky", what="not JSON", count=3)
        async with seated(snapshot()) as seat:
            await seat.service.tell(
                SourceChanged(seq=0, state=lost, counts=Counts(members_posts=40, skipped=2), faults=(fault,)),
                GapSeen(seq=0, gap=Gap(source="bluesky", start=at(40), end=at(41), filled=False)),
            )
            await seat.until(lambda: "✕ lost  bluesky" in seat.text("#sources"))
            sources = seat.text("#sources")
            assert "no answer for 30 s" in sources
            assert "last sign 3 s ago" in sources
            assert "gap 19:12:00–19:13:30, replayed since" in sources
            assert "✕ gap 19:40:00–19:41:00, not seen" in sources
            assert "3 unusable: not JSON" in sources
            assert "2 posts skipped: outside the window" in sources
            assert "40 by members" in seat.text("#count")

    async def test_the_end_of_following_is_told_and_nothing_is_called_clear(self) -> None:
        """After the window the desk says so, stays usable, and shows OFF instead of CLEAR."""
        async with seated(snapshot(flags=())) as seat:
            await seat.service.end(at(180), "the window is over")
            await seat.until(lambda: "Following ended at 22:00: the window is over" in seat.text("#banner"))
            assert seat.app.title == "– OFF"
            await seat.press("n")
            await seat.until_said("✓ Item 6")

    async def test_a_refused_link_says_what_to_do(self) -> None:
        """A token no longer taken is told in words, and stays told."""
        async with seated(snapshot()) as seat:
            seat.service.token = "another"
            await seat.service.cut()
            await seat.until(lambda: "The link is refused" in seat.text("#banner"))
            assert "FEEDMON_TOKEN" in seat.text("#banner")

    async def test_empty_panels_say_what_will_come(self) -> None:
        """Nothing to show is never a blank."""
        bare = msgspec.structs.replace(MEETING, items=())
        async with seated(snapshot(flags=(), marks=(), sources=(), gaps=(), meeting=bare)) as seat:
            assert "A flag appears here when" in seat.text("#flags")
            assert "The flag under the cursor is shown here" in seat.text("#detail")
            assert "no agenda items" in seat.text("#agenda")
            assert "No source has reported yet" in seat.text("#sources")
            await seat.press("f")
            assert "Nothing handled yet" in seat.text("#flags")
            await seat.press("f")
            assert "No flag tonight" in seat.text("#flags")

    async def test_the_title_carries_the_glance(self) -> None:
        """The word, its sign and the count are the window's title."""
        async with seated(snapshot()) as seat:
            assert seat.app.title == "▲ LOOK 3"
            await seat.service.tell(FlagRaised(seq=0, view=closed(9, "secret", 41, MARKS)))
            await seat.until(lambda: seat.app.title == "! ACT 4")


class TestHostile:
    """Strangers' text on the whole screen."""

    @pytest.mark.parametrize("size", [(80, 24), (150, 32)])
    async def test_hostile_posts_draw_as_harmless_text(self, size: tuple[int, int]) -> None:
        """Every hostile post, in row and detail, in names, handles and links, on sound strips, at any width."""
        views = []
        for number, text in enumerate(HOSTILE, 1):
            view = attack(number, text.encode("utf-8", "replace").decode(), 30 + number / 10)
            post = msgspec.structs.replace(
                view.post,
                author=Author(text[:40].encode("utf-8", "replace").decode(), name=view.post.text),
                links=(view.post.text,),
            )
            flag = msgspec.structs.replace(
                view.flag, member=None, reason=view.post.text, spans=(Span(0, 4, view.post.text), Span(7, 10**9))
            )
            views.append(msgspec.structs.replace(view, post=post, flag=flag))
        async with seated(snapshot(flags=views), size=size) as seat:
            for _ in views:
                strips_are_sound(seat.desk)
                seat.desk.action_act("down")
            await seat.press("t")
            strips_are_sound(seat.app.screen)

    async def test_markup_in_a_post_does_nothing(self) -> None:
        """A post that looks like the program's own markup is shown letter by letter."""
        text = "[bold red]Vote[/] [@click=app.quit]here[/]"
        async with seated(snapshot(flags=[attack(1, text, 40)])) as seat:
            assert text in seat.text("#post")
            assert "[bold red]Vote" in seat.text("#flags")


class TestTime:
    """The meeting's own clock."""

    def test_it_runs_at_the_meetings_rate(self) -> None:
        """In a rehearsal sixty times as fast, half a second is half a minute."""
        ticks = [10.0]
        clock = MeetingClock(NOW, 60, lambda: ticks[0])
        ticks[0] += 0.5
        assert clock.now() == at(42.5)

    def test_it_is_never_behind_what_the_service_said(self) -> None:
        """After a laptop's sleep, the first news sets it right; old news does not set it back."""
        clock = MeetingClock(NOW, 1, lambda: 0.0)
        clock.heard(at(50))
        clock.heard(at(45))
        assert clock.now() == at(50)

    def test_an_unknown_zone_is_read_as_utc(self) -> None:
        """A zone this machine does not know does not stop the desk."""
        assert zone_of("Mars/Olympus").utcoffset(NOW) is not None
        assert zone_of("").tzname(NOW) == "UTC"

    async def test_ages_tick(self) -> None:
        """Ages and times taken grow without any message."""
        ticks = [0.0]
        async with serving(snapshot()) as service:
            app = DeskApp(service.snapshot, link_to(service.address, service.snapshot), ticks=lambda: ticks[0])
            async with app.run_test(size=(116, 32)) as pilot:
                seat = Seat(app, pilot, service)
                await seat.joined()
                ticks[0] = 60.0
                seat.desk.repaint()
                assert "oldest 4 min" in seat.text("#count")
                assert "5:54" in seat.text("#agenda")


class TestLook:
    """Themes and sizes."""

    async def test_themes_and_sizes_change_while_it_runs(self) -> None:
        """Dark, light, another theme; wide, narrow, tiny: it draws soundly in all of them."""
        async with seated(snapshot()) as seat:
            for theme in (LIGHT.name, "nord", "textual-light", DARK.name):
                seat.app.theme = theme
                await seat.calm()
                strips_are_sound(seat.desk)
            for size in ((80, 24), (200, 60), (20, 5), (1, 1), (116, 32)):
                await seat.pilot.resize_terminal(*size)
                await seat.calm()
                strips_are_sound(seat.desk)
            assert "all Quayside knows it" in read(seat.desk)

    async def test_light_from_the_start(self) -> None:
        """--light starts in the light theme."""
        async with seated(snapshot(), light=True) as seat:
            assert seat.app.theme == LIGHT.name


class TestSpeed:
    """Five hundred flags held."""

    async def test_key_to_screen_with_five_hundred_flags(self) -> None:
        """A key is handled and everything drawn for it quickly, because only what is on screen is drawn.

        Processor time, so that a busy machine does not matter; a list that drew all rows would miss the bound.
        """
        views = [attack(n, f"You are a fool, number {n}, and everyone knows it", n / 20, "fool") for n in range(500)]
        async with seated(snapshot(flags=views), size=(160, 45)) as seat:
            spent = []
            for _ in range(15):
                began = time.process_time()
                seat.desk.action_act("down")
                read(seat.desk.query_one("#flags"))
                spent.append(time.process_time() - began)
            assert seat.desk.flags.index == 15
            assert sorted(spent)[7] < 0.05

    async def test_a_flood_of_flags_is_drawn_together(self) -> None:
        """Two hundred flags at once cost a few drawings, not two hundred."""
        async with seated(snapshot()) as seat:
            drawn = 0
            repaint = seat.desk.repaint

            def counting() -> None:
                nonlocal drawn
                drawn += 1
                repaint()

            seat.desk.repaint = counting  # type: ignore[method-assign]
            views = [attack(n, f"fool {n}", 41 + n / 1000, "fool") for n in range(10, 210)]
            await seat.service.tell(*(FlagRaised(seq=0, view=view) for view in views))
            await seat.until(lambda: "standing 203" in str(seat.desk.query_one("#flags").border_title))
            assert drawn < 30
