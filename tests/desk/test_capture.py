"""Posts entered by hand at the desk: what the service gets, what comes back, and that nothing typed is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from feedmon.wire import CaptureRequest, MediaKind, Refusal
from tests.desk.driving import Seat, read, seated
from tests.desk.evening import NOW, at, snapshot
from tui.model.capture import Draft, Unreadable
from tui.screens.capture import Capture

LONDON = ZoneInfo("Europe/London")


def letters(text: str) -> list[str]:
    """The keys that type this."""
    return ["space" if letter == " " else letter for letter in text]


async def filled_in(seat: Seat) -> None:
    """Open the form and type a post into it."""
    await seat.press("m", *letters("Facebook"), "enter", *letters("Gull Watcher"), "enter", *letters("19:41"), "tab")
    await seat.press(*letters("https://f.example/1"), "tab", "down", "down", "down", "enter")
    await seat.press("tab", "down", "down", "enter", "tab", *letters("They are all in it"))


POST = Draft("Facebook", "Gull Watcher", "19:41", "https://f.example/1", "They are all in it", "renfrew")


def answer(seat: Seat) -> str:
    """What the form says of the last try."""
    return read(seat.app.screen.query_one("#answer")).strip()


async def test_a_post_is_captured_from_the_keyboard_alone() -> None:
    """Every field is reached and given; the form closes when the service has it, and the desk says so."""
    async with seated(snapshot()) as seat:
        seat.service.warning = "It raises no flag."
        await filled_in(seat)
        form = seat.app.screen
        assert isinstance(form, Capture)
        typed = form.typed
        assert (typed.where, typed.who, typed.when, typed.url) == (POST.where, POST.who, POST.when, POST.url)
        assert (typed.text, typed.member is not None, typed.media is not None) == (POST.text, True, True)
        await seat.press("enter")
        await seat.until_said("✓ Captured: what Gull Watcher posted on Facebook. It raises no flag.")
        assert seat.app.screen is seat.desk
        (asked,) = seat.service.captures
        assert asked == CaptureRequest(
            id=asked.id,
            network="facebook",
            author="Gull Watcher",
            text="They are all in it",
            at=at(41),
            url="https://f.example/1",
            member=typed.member,
            media=(typed.media,),  # type: ignore[arg-type]  # asserted above
        )
        assert asked.id.startswith(seat.desk.desk.own)
        await seat.press("m")
        assert seat.app.screen.typed == Draft()  # type: ignore[attr-defined]  # the form


async def test_a_refusal_stands_in_the_form_and_nothing_typed_is_lost() -> None:
    """The service's reason and mend are shown where the words still stand; sent again under another id, it is taken."""
    async with seated(snapshot()) as seat:
        seat.service.refuse = Refusal(error="The roster has no such account.", mend="Leave “member” out.")
        await filled_in(seat)
        typed = seat.app.screen.typed  # type: ignore[attr-defined]  # the form
        await seat.press("ctrl+s")
        await seat.until(lambda: "Leave “member” out." in answer(seat))
        assert seat.app.screen.typed == typed  # type: ignore[attr-defined]
        seat.service.refuse = None
        await seat.press("ctrl+s")
        await seat.until_said("✓ Captured")
        ids = [body for path, body in seat.service.requests if path.endswith("/captures")]
        assert len(set(ids)) == 2


async def test_what_only_the_desk_can_tell_is_said_at_once() -> None:
    """Nothing is sent before it is said who, where, and at what time of day."""
    async with seated(snapshot()) as seat:
        await seat.press("m", "ctrl+s")
        assert answer(seat) == "✕ Say where the post is."
        await seat.press(*letters("x"), "ctrl+s")
        assert answer(seat) == "✕ Say who posted."
        await seat.press("tab", *letters("y"), "tab", *letters("25:00"), "ctrl+s")
        assert "“25:00” is no time of day." in answer(seat)
        assert seat.service.requests == []


async def test_backing_out_keeps_what_was_typed() -> None:
    """Escape, and m again: everything is still there. Leaving the desk says that it would be lost."""
    async with seated(snapshot()) as seat:
        await filled_in(seat)
        typed = seat.app.screen.typed  # type: ignore[attr-defined]  # the form
        await seat.press("escape", "m")
        assert seat.app.screen.typed == typed  # type: ignore[attr-defined]
        await seat.press("escape", "q")
        assert "What you began to capture (m) was not sent" in read(seat.app.screen)


@pytest.mark.fault
async def test_a_capture_goes_out_once_when_the_link_is_back() -> None:
    """Sent while the service is away, and again after its answer was lost: it is there once, with its own time."""
    async with seated(snapshot()) as seat:
        await seat.service.stop()
        await seat.until(lambda: seat.desk.query_one("#banner").display)
        await filled_in(seat)
        await seat.press("ctrl+s")
        assert "as soon as the link is back" in answer(seat)
        await seat.press("ctrl+s")
        assert "still on its way" in answer(seat)
        await seat.press("escape", "m")
        assert seat.app.screen.typed == Draft()  # type: ignore[attr-defined]  # what is on its way is not typed twice
        await seat.press("escape")
        seat.service.swallow_answers = 1
        await seat.service.start()
        await seat.until_said("✓ Captured")
        assert [capture.at for capture in seat.service.captures] == [at(41)]


async def test_refused_after_the_form_was_left_it_is_there_again() -> None:
    """The clerk went on; the service refuses: the desk says so, and m has the post as it was typed."""
    async with seated(snapshot()) as seat:
        await seat.service.stop()
        await seat.until(lambda: seat.desk.query_one("#banner").display)
        await filled_in(seat)
        typed = seat.app.screen.typed  # type: ignore[attr-defined]  # the form
        await seat.press("ctrl+s", "escape")
        seat.service.refuse = Refusal(error="No.", mend="Check “at”.")
        await seat.service.start()
        await seat.until_said("✕ Not captured: No. Check “at”. m has it as you typed it.")
        await seat.press("m")
        assert seat.app.screen.typed == typed  # type: ignore[attr-defined]


class TestTimes:
    """What a time of day means."""

    @pytest.mark.parametrize(
        ("typed", "now", "meant"),
        [
            ("", NOW, NOW),
            ("19:41", NOW, at(41)),
            ("19.41.30", NOW, at(41.5)),
            (" 9:05 ", NOW, datetime(2026, 3, 5, 9, 5, tzinfo=UTC)),
            ("23:50", datetime(2026, 6, 4, 23, 10, tzinfo=UTC), datetime(2026, 6, 4, 22, 50, tzinfo=UTC)),
        ],
    )
    def test_it_is_the_clocks_last_showing(self, typed: str, now: datetime, meant: datetime) -> None:
        """Local, today, or last night when it is past midnight."""
        request = Draft("facebook", "x", typed, media=MediaKind.VIDEO).request("id", now, LONDON)
        assert request.at == meant
        assert (request.media, request.at.utcoffset()) == ((MediaKind.VIDEO,), timedelta(0))

    @pytest.mark.parametrize("typed", ["24:00", "12:60", "noon", "1941", "19:4", "٣:٠٠x"])
    def test_what_is_no_time_is_refused(self, typed: str) -> None:
        """And the mend is said."""
        with pytest.raises(Unreadable, match="Write it like 19:42"):
            Draft("facebook", "x", typed).request("id", NOW, LONDON)
