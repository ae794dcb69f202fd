"""How the desk looks, in each state a clerk can be in: small, wide, empty, pressing, cut off, asked something.

``test_an_evening`` is also the picture in the README.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version

import msgspec
import pytest
from textual.pilot import Pilot

from feedmon.wire import (
    Author,
    ChairSaw,
    Decision,
    DecisionKind,
    DismissReason,
    FlagCleared,
    FlagRaised,
    FlagView,
    FollowingEnded,
    Mark,
    MarkKind,
    Media,
    MediaKind,
    Snapshot,
    SourceCondition,
    SourceState,
)
from tests.desk.driving import Seat, desk_app, served_beside
from tests.desk.evening import FLAGS, MARKS, NOW, at, attack, closed, off_topic, snapshot

MADE_WITH = {"textual": "8.2.8", "rich": "15.0.0"}
"""The versions these pictures were made with; others draw the same screen as slightly different SVG."""

pytestmark = pytest.mark.skipif(
    any(version(name) != made_with for name, made_with in MADE_WITH.items()),
    reason="the pictures were made with " + " and ".join(f"{name} {number}" for name, number in MADE_WITH.items()),
)

Look = Callable[..., bool]
Do = Callable[[Awaitable[None]], None]
Steps = Callable[[Seat, Do], Awaitable[None]]


async def nothing(seat: Seat, do: Do) -> None:
    """No steps."""


def press(*keys: str) -> Steps:
    """Only press keys."""

    async def steps(seat: Seat, do: Do) -> None:
        await seat.press(*keys)

    return steps


@pytest.fixture
def looks(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> Look:
    """Whether a desk told this snapshot, after these steps, looks as it was last agreed to look."""
    for variable in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL_FILTERS"):
        monkeypatch.delenv(variable, raising=False)

    def compare(told: Snapshot, size: tuple[int, int], steps: Steps = nothing, **options: bool) -> bool:
        with served_beside(told) as (service, do):
            app = desk_app(service, **options)

            async def run_before(pilot: Pilot[None]) -> None:
                seat = Seat(app, pilot, service)
                await seat.joined()
                await steps(seat, do)
                await seat.calm()

            return snap_compare(app, terminal_size=size, run_before=run_before)

    return compare


def decided(view: FlagView, number: int, kind: DecisionKind, minutes: float, **more: object) -> FlagView:
    """The flag with a decision."""
    decision = Decision(id=f"d{number}", flag=view.flag.id, kind=kind, at=at(minutes), **more)  # type: ignore[arg-type]
    return msgspec.structs.replace(view, decisions=(*view.decisions, decision))


EXCLUDED = (*MARKS, Mark(id="m7", kind=MarkKind.PUBLIC_EXCLUDED, at=at(40.8), item="8", note="Commercial terms."))
CLOSED = (
    *MARKS[:-1],
    Mark(id="m8", kind=MarkKind.ITEM_STARTED, at=at(37.1), item="8"),
    EXCLUDED[-1],
    Mark(id="m9", kind=MarkKind.RECORDING_SUSPENDED, at=at(40.9)),
)

HANDLED = (
    decided(FLAGS[0], 1, DecisionKind.TELL_CHAIR, 39, words="May I remind members to stay with the business."),
    decided(FLAGS[1], 2, DecisionKind.DISMISS, 40, reason=DismissReason.ON_TOPIC),
    decided(FLAGS[2], 3, DecisionKind.KEEP, 41),
    attack(
        4,
        "Sit down Oldroyd, you silly little man. Some of us read the parking report before we came.",
        41.2,
        "silly little man",
        handle="brennan.example",
        member="brennan",
    ),
)


class TestSizes:
    """From the smallest terminal to a wall."""

    def test_an_evening(self, looks: Look) -> None:
        """Some flags at a usual size."""
        evening = (
            *HANDLED,
            off_topic(5, "Two-nil up before half time! What a strike from the new lad, top corner.", 41.6),
        )
        assert looks(snapshot(flags=evening), (132, 40), press("j"))

    def test_narrow(self, looks: Look) -> None:
        """Eighty columns by twenty-four lines: the list over the flag."""
        assert looks(snapshot(), (80, 24))

    def test_narrow_reading(self, looks: Look) -> None:
        """The flag has the whole room."""
        assert looks(snapshot(), (80, 24), press("enter", "pagedown"))

    def test_narrow_agenda(self, looks: Look) -> None:
        """The agenda below the list."""
        assert looks(snapshot(), (80, 24), press("v"))

    def test_wide(self, looks: Look) -> None:
        """Three columns, the clause beside the post."""
        assert looks(snapshot(), (176, 48))

    def test_light(self, looks: Look) -> None:
        """Dark letters on a light ground."""
        assert looks(snapshot(flags=HANDLED), (132, 40), press("f", "f"), light=True)

    def test_no_colour(self, looks: Look, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without colour every state is still told by glyph, word and weight."""
        monkeypatch.setenv("NO_COLOR", "1")
        assert looks(snapshot(flags=(*FLAGS, closed(9, "Figures!", 41, EXCLUDED)), marks=CLOSED), (132, 40))


class TestStates:
    """What the evening brings."""

    def test_before_the_opening(self, looks: Look) -> None:
        """Nothing yet: what will appear, and what to press."""
        starting = SourceState(name="bluesky", condition=SourceCondition.STARTING, since=NOW)
        told = snapshot(flags=(), marks=(), gaps=(), sources=(starting,))
        assert looks(told, (132, 40))

    def test_closed_session(self, looks: Look) -> None:
        """The public are excluded and a post with a picture came out: act."""
        flags = (*FLAGS, closed(9, "You should see what they want for the kiosk", 41, EXCLUDED))
        assert looks(snapshot(flags=flags, marks=CLOSED), (132, 40), press("end"))

    def test_handled(self, looks: Look) -> None:
        """What was done tonight, and by whom; told to the chair, and seen."""

        async def steps(seat: Seat, do: Do) -> None:
            do(seat.service.tell(ChairSaw(seq=0, flag="f0001", at=at(41.5))))
            await seat.press("f", "enter", "end")

        assert looks(snapshot(flags=HANDLED), (132, 40), steps)

    def test_no_longer_raised(self, looks: Look) -> None:
        """A corrected mark cleared a flag: it stays in its place and says why."""

        async def steps(seat: Seat, do: Do) -> None:
            why = "Judged again after “item 4 started” at 19:19 was corrected: it no longer holds."
            do(seat.service.tell(FlagCleared(seq=0, flag="f0001", why=why)))
            await seat.until(lambda: "no longer raised" in seat.text("#flags"))

        assert looks(snapshot(), (132, 40), steps)

    def test_new_below(self, looks: Look) -> None:
        """Flags have come below what is on screen: counted, and nothing has moved."""

        async def steps(seat: Seat, do: Do) -> None:
            views = [attack(n, f"You are a fool, number {n}", 41 + n / 100, "fool") for n in range(10, 20)]
            do(seat.service.tell(*(FlagRaised(seq=0, view=view) for view in views)))
            await seat.until(lambda: len(seat.desk.flags.rows) == 13)

        assert looks(snapshot(), (110, 30), steps)

    def test_link_lost(self, looks: Look) -> None:
        """The link is down: said on the screen, and the clerk goes on working."""

        async def steps(seat: Seat, do: Do) -> None:
            do(seat.service.stop())
            await seat.until(lambda: "nothing answers" in seat.text("#banner"))
            await seat.press("n", "d", "f")

        assert looks(snapshot(flags=FLAGS[:1]), (132, 40), steps)

    def test_unveiled(self, looks: Look) -> None:
        """Asked for: the words of the flag under the cursor, and the closed items' titles."""
        assert looks(snapshot(), (132, 40), press("w"))

    def test_blank(self, looks: Look) -> None:
        """Nothing but calm."""
        assert looks(snapshot(), (132, 40), press("z"))

    def test_source_lost(self, looks: Look) -> None:
        """The feed is not received: never shown as clear."""
        lost = SourceState(
            name="bluesky",
            condition=SourceCondition.LOST,
            since=at(40),
            last_post=at(39),
            last_sign=at(40),
            why="no sign of life for 60 s; trying again",
        )
        assert looks(snapshot(flags=(), sources=(lost,)), (132, 40))

    def test_ended(self, looks: Look) -> None:
        """The window is over."""

        async def steps(seat: Seat, do: Do) -> None:
            do(seat.service.tell(FollowingEnded(seq=0, at=NOW, why="the meeting's window is over")))
            await seat.until(lambda: "Following ended" in seat.text("#banner"))

        shut = Mark(id="m7", kind=MarkKind.CLOSED, at=at(41))
        assert looks(snapshot(flags=HANDLED[:2], marks=(*MARKS, shut)), (132, 40), steps)

    def test_hostile(self, looks: Look) -> None:
        """Posts that try to break the screen are drawn as what they are."""
        nasty = (
            "\x1b[2J\x1b[31mYou are a m\u200bu\u200bppet\x07 \u202etxet desrever\u202c",
            "[bold red]Shout[/] [@click=app.quit]here[/] Z" + "\u0335\u0321\u034d\u0353" * 30 + "algo muppet",
            "\n" * 40 + "far down, muppet\n" + "line\n" * 10_000,
        )
        views = [attack(n, text, 40 + n / 10, "ppet") for n, text in enumerate(nasty, 1)]
        named = msgspec.structs.replace(
            views[0].post,
            author=Author("evil\x1b[2J.example", name="Evil\nName\u202e"),
            media=(Media(MediaKind.LIVE, "\x9b31mlook"),),
        )
        views[0] = msgspec.structs.replace(
            views[0], post=named, flag=msgspec.structs.replace(views[0].flag, member=None, reason=f"Says {nasty[0]}")
        )
        assert looks(snapshot(flags=views), (132, 40))


QUESTIONS = {
    "dismiss": "d",
    "tell": "t",
    "exclude": "x",
    "item": "i",
    "close": "c",
    "chair_link": "l",
    "capture": "m",
    "help": "question_mark",
}


class TestQuestions:
    """What the desk asks."""

    @pytest.mark.parametrize("name", QUESTIONS)
    def test_question(self, looks: Look, name: str) -> None:
        """A sheet from below; the post stays in sight."""
        assert looks(snapshot(), (110, 36), press(QUESTIONS[name]))

    @pytest.mark.parametrize("name", ["dismiss", "tell", "exclude", "capture"])
    def test_question_on_a_small_screen(self, looks: Look, name: str) -> None:
        """All of the question fits eighty by twenty-four."""
        assert looks(snapshot(), (80, 24), press(QUESTIONS[name]))
