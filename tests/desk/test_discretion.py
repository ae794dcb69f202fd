"""What the screen keeps to itself: strong words, closed items' titles, and on one key everything."""

from __future__ import annotations

import asyncio

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from feedmon.wire import FlagCleared, FlagRaised, Span
from tests.desk.driving import Seat, read, seated
from tests.desk.evening import FLAGS, MARKS, MEETING, attack, closed, off_topic, snapshot
from tests.desk.test_screen import strips_are_sound
from tests.desk.test_text import hostile
from tui.model.desk import Desk
from tui.model.discretion import CLOSED_ITEM, Discretion
from tui.screens.calm import Calm
from tui.screens.capture import Capture
from tui.screens.wordings import LinkShown

TITLE = MEETING.items[-1].title


class TestVeil:
    """Strong words and closed titles."""

    async def test_strong_words_are_veiled_everywhere_until_asked(self) -> None:
        """Row, post, reason, steps: nowhere on the screen; w shows them for this flag alone, and moving on veils."""
        async with seated(snapshot()) as seat:
            assert "muppet" not in read(seat.desk)
            assert "the man is a •••••••• •••••• and all" in seat.text("#flags")
            assert "w unveil" in seat.text("#foot")
            await seat.press("w")
            assert read(seat.desk).count("complete muppet") >= 4
            assert "bone idle" not in read(seat.desk)
            assert "w veil" in seat.text("#foot")
            await seat.press("j", "k")
            assert "muppet" not in read(seat.desk)
            await seat.press("w", "w")
            assert "muppet" not in read(seat.desk)

    async def test_closed_titles_are_veiled_until_asked(self) -> None:
        """The agenda, the header, what is said of a mark, and the choice of an item say only “closed item”."""
        async with seated(snapshot(flags=()), size=(132, 40)) as seat:
            await seat.press("n", "n", "n")
            await seat.until_said("closed")
            await seat.press("i")
            assert TITLE not in read(seat.app.screen)
            assert "8  closed item" in read(seat.app.screen)
            await seat.press("escape")
            assert "Item 8, closed item" in seat.text("#count")
            assert TITLE not in read(seat.desk)
            await seat.press("w")
            assert f"closed: {TITLE}" in seat.text("#agenda")
            await seat.press("w")
            assert TITLE not in read(seat.desk)

    async def test_with_nothing_veiled_the_key_says_so(self) -> None:
        """A flag without strong words, on an agenda without closed items."""
        open_items = msgspec.structs.replace(MEETING, items=MEETING.items[:-1])
        async with seated(snapshot(flags=FLAGS[1:2], meeting=open_items)) as seat:
            await seat.press("w")
            assert seat.said == "· Nothing is veiled here."

    async def test_a_desk_may_be_opened_unveiled(self) -> None:
        """--unveiled: everything is shown from the start."""
        async with seated(snapshot(), discreet=False) as seat:
            assert "complete muppet" in seat.text("#flags")
            assert "w unveil" not in seat.text("#foot")

    async def test_the_chair_is_told_the_ready_words_as_they_are(self) -> None:
        """What is veiled on the screen is not veiled in what is sent."""
        view = msgspec.structs.replace(
            FLAGS[0], flag=msgspec.structs.replace(FLAGS[0].flag, chair_words="Nobody is a complete muppet here.")
        )
        async with seated(snapshot(flags=[view])) as seat:
            await seat.press("t", "enter")
            await seat.until_said("✓ Chair told")
            assert seat.service.decisions[0].words == "Nobody is a complete muppet here."

    def test_every_flag_on_the_post_veils_its_words(self) -> None:
        """The same post flagged for something else shows no more of it; other posts are not touched."""
        strong = attack(1, "You MUPPET, you muppets of a muppet", 40, "MUPPET")
        other = off_topic(2, strong.post.text, 40)
        same = msgspec.structs.replace(
            other, post=strong.post, flag=msgspec.structs.replace(other.flag, post=strong.post.key, reason="Says “it”.")
        )
        desk = Desk(snapshot(flags=[same]), "desk-a-")
        assert desk.shown("f0002") == same
        desk.apply(FlagRaised(seq=0, view=strong))
        for flag_id in ("f0001", "f0002"):
            assert desk.shown(flag_id).post.text == "You ••••••, you muppets of a ••••••"  # type: ignore[union-attr]
        assert desk.shown("f0002").flag.reason == "Says “••”."  # type: ignore[union-attr]

    def test_closed_titles_in_the_services_sentences_are_veiled(self) -> None:
        """A reason, or why a flag was cleared, may name the item."""
        view = closed(9, "Figures", 41, MARKS)
        view = msgspec.structs.replace(view, flag=msgspec.structs.replace(view.flag, reason=f"During {TITLE}."))
        desk = Desk(snapshot(flags=[view]), "desk-a-")
        desk.apply(FlagCleared(seq=0, flag=view.flag.id, why=f"“{TITLE}” was corrected."))
        shown = desk.shown(view.flag.id)
        assert shown is not None
        assert (shown.flag.reason, shown.cleared) == (f"During {CLOSED_ITEM}.", f"“{CLOSED_ITEM}” was corrected.")

    @given(hostile, st.lists(st.tuples(st.integers(-9, 80), st.integers(-9, 80)), max_size=4))
    def test_whatever_the_text_nothing_matched_is_left(self, text: str, ends: list[tuple[int, int]]) -> None:
        """Every matched letter is a dot, and every other character stays in its place."""
        spans = tuple(Span(start, end) for start, end in ends)
        view = attack(1, "x", 40)
        view = msgspec.structs.replace(view, post=msgspec.structs.replace(view.post, text=text))
        covered = Discretion().view(view, spans, MEETING).post.text
        assert len(covered) == len(text)
        for index, (before, after) in enumerate(zip(text, covered, strict=True)):
            assert after in (before, "•")
            if any(span.start <= index < span.end for span in spans):
                assert after == "•" or before.isspace()


def blank(seat: Seat) -> bool:
    """Whether the screen shows nothing but calm."""
    return isinstance(seat.app.screen, Calm)


class TestBlank:
    """The panic key."""

    async def test_one_key_leaves_nothing_but_calm(self) -> None:
        """z: no flag, no name, no title, and the window's title says CLEAR; any key comes back and does no more."""
        async with seated(snapshot()) as seat:
            await seat.press("z")
            assert blank(seat)
            shown = read(seat.app.screen)
            for told in ("Oldroyd", "muppet", "Saltmarsh", "Item", "warning", "plumber"):
                assert told not in shown
            assert "Nothing waits for you." in shown
            assert "19:42:00" in shown
            assert seat.app.title == "✓ CLEAR"
            strips_are_sound(seat.app.screen)
            await seat.service.tell(FlagRaised(seq=0, view=closed(9, "secret", 41, MARKS)))
            await seat.until(lambda: len(seat.desk.flags.rows) == 4)
            assert seat.app.title == "✓ CLEAR"
            await seat.press("d")
            assert not blank(seat)
            assert seat.app.title == "! ACT 4"
            assert seat.service.requests == []

    async def test_it_works_from_a_form_and_loses_nothing(self) -> None:
        """Ctrl+L over a half-filled form blanks the screen; any key, and the form stands as it was."""
        async with seated(snapshot()) as seat:
            await seat.press("m", "f", "b", "ctrl+l")
            assert blank(seat)
            await seat.press("x")
            form = seat.app.screen
            assert isinstance(form, Capture)
            assert form.typed.where == "fb"

    async def test_the_keys_of_other_programs_come_back_too(self) -> None:
        """ctrl+q, ctrl+c, ctrl+p and ctrl+l itself are keys like any other here."""
        async with seated(snapshot()) as seat:
            for key in ("ctrl+q", "ctrl+c", "ctrl+p", "ctrl+l", "escape"):
                await seat.press("z", key)
                assert seat.app.screen is seat.desk

    async def test_an_answer_does_not_break_the_calm(self) -> None:
        """The chair's link comes while the screen is blank: it waits until it is not."""
        async with seated(snapshot()) as seat:
            await seat.service.stop()
            await seat.until(lambda: seat.desk.query_one("#banner").display)
            await seat.press("l", "z")
            await seat.service.start()
            await seat.until(lambda: bool(seat.service.requests))
            await asyncio.sleep(0.1)
            assert blank(seat)
            await seat.press("x")
            await seat.until(lambda: isinstance(seat.app.screen, LinkShown))
