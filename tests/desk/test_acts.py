"""Every act of the clerk, made with its key at a real desk, as the service gets it and as the screen shows it."""

from __future__ import annotations

import pytest

from feedmon.wire import (
    ChairSaw,
    Decision,
    DecisionKind,
    DecisionMade,
    DismissReason,
    FlagRaised,
    FlagState,
    Mark,
    MarkKind,
    MarkMade,
    Refusal,
)
from tests.desk.driving import read, seated
from tests.desk.evening import FLAGS, NOW, at, attack, snapshot
from tui.screens.help import Help
from tui.screens.questions import Confirm, Question
from tui.screens.wordings import LinkShown, Tell, reached_from_here_alone
from tui.signs import REASONS

FIRST = FLAGS[0].flag.id


class TestTriage:
    """What is done with a flag."""

    async def test_dismiss_takes_one_key_and_a_reason(self) -> None:
        """d and a letter: dismissed for that reason, and on to the next flag; every reason has its letter."""
        flags = [attack(n, f"fool number {n}", 30 + n / 10, "fool") for n in range(len(DismissReason))]
        async with seated(snapshot(flags=flags)) as seat:
            for number, reason in enumerate(DismissReason):
                assert seat.desk.flags.cursor == flags[number].flag.id
                await seat.press("d", REASONS[reason][0])
                await seat.until_said(f"✓ Dismissed: {REASONS[reason][1]}")
                assert f"number {number}" not in seat.text("#flags")
            assert [decision.reason for decision in seat.service.decisions] == list(DismissReason)
            assert {decision.at for decision in seat.service.decisions} == {NOW}

    async def test_escape_leaves_the_flag_as_it_was(self) -> None:
        """Backing out of the question dismisses nothing."""
        async with seated(snapshot()) as seat:
            await seat.press("d", "escape")
            assert seat.service.requests == []
            assert not isinstance(seat.app.screen, Question)

    async def test_keep_stays_in_the_list(self) -> None:
        """e: kept for later, still standing."""
        async with seated(snapshot()) as seat:
            await seat.press("e")
            await seat.until_said("✓ Kept for later")
            assert "kept for later" in seat.text("#flags")
            assert "1 kept for later" in seat.text("#count")
            await seat.press("e")
            assert seat.said == "· It is kept for later already."

    async def test_confirm(self) -> None:
        """y: confirmed."""
        async with seated(snapshot()) as seat:
            await seat.press("y")
            await seat.until_said("✓ Confirmed")
            assert seat.service.decisions[0].kind is DecisionKind.CONFIRM

    async def test_tell_the_chair_the_ready_words_or_others(self) -> None:
        """t: the ready words are there to be changed; what stands there is what the chair is told."""
        async with seated(snapshot()) as seat:
            await seat.press("t")
            assert isinstance(seat.app.screen, Tell)
            await seat.press("space", "N", "o", "w", ".", "enter")
            await seat.until_said("✓ Chair told")
            (decision,) = seat.service.decisions
            assert decision.kind is DecisionKind.TELL_CHAIR
            assert decision.words == f"{FLAGS[0].flag.chair_words} Now."

    async def test_the_chair_cannot_be_told_nothing(self) -> None:
        """With all words deleted, enter asks for a word."""
        async with seated(snapshot()) as seat:
            await seat.press("t", "ctrl+u", "ctrl+u", "enter")
            assert isinstance(seat.app.screen, Tell)
            await seat.press("escape")
            assert seat.service.requests == []

    async def test_when_the_chair_has_seen_it_the_desk_says_so(self) -> None:
        """The time of the chair's “seen” comes back to the desk."""
        async with seated(snapshot()) as seat:
            await seat.press("t", "enter")
            await seat.until_said("✓ Chair told")
            await seat.press("f")
            assert "not yet seen by the chair" in seat.text("#why")
            await seat.service.tell(ChairSaw(seq=0, flag=FIRST, at=at(43)))
            await seat.until(lambda: "seen by the chair at 19:43:00" in seat.text("#why"))
            assert "→ chair told, ✓ seen 19:43" in seat.text("#flags")

    async def test_undo_brings_the_flag_back(self) -> None:
        """u: the last decision is taken back, and the flag is under the cursor again."""
        async with seated(snapshot()) as seat:
            await seat.press("d", "f")
            await seat.until_said("✓ Dismissed")
            assert "u undo dismiss" in seat.text("#foot")
            await seat.press("u")
            await seat.until_said("✓ Undone: dismissed: fair comment")
            dismissed, undone = seat.service.decisions
            assert (undone.kind, undone.undoes, undone.flag) == (DecisionKind.UNDO, dismissed.id, FIRST)
            assert seat.desk.flags.cursor == FIRST
            await seat.press("u")
            assert seat.said == "· There is no decision to undo."

    async def test_undo_on_a_handled_flag_is_about_that_flag(self) -> None:
        """In the handled list, u takes back the selected flag's decision, though another was later."""
        async with seated(snapshot()) as seat:
            await seat.press("d", "f")
            await seat.press("y")
            await seat.until_said("✓ Confirmed")
            await seat.press("f", "home", "u")
            await seat.until_said("✓ Undone: dismissed")
            assert seat.service.decisions[-1].flag == FIRST

    async def test_keys_for_flags_say_so_when_there_is_none(self) -> None:
        """With nothing selected, a triage key does nothing but say why."""
        async with seated(snapshot(flags=())) as seat:
            for key in "deyt":
                await seat.press(key)
                assert seat.said == "· No flag is selected."
            assert seat.service.requests == []

    async def test_a_decision_made_at_another_desk_shows(self) -> None:
        """Another desk's decision is seen in its row, which stays where it is."""
        async with seated(snapshot()) as seat:
            other = Decision(id="desk-z-1", flag=FIRST, kind=DecisionKind.CONFIRM, at=NOW, by="deputy")
            await seat.service.tell(DecisionMade(seq=0, decision=other, state=FlagState.CONFIRMED))
            await seat.until(lambda: "✓ confirmed" in seat.text("#flags"))
            assert seat.desk.flags.cursor == FIRST
            assert "Confirmed, by deputy" in seat.text("#why")


class TestRoom:
    """What happens in the room."""

    async def test_open_and_next(self) -> None:
        """o opens the meeting, n begins its first item, with the meeting's own time."""
        async with seated(snapshot(marks=(), flags=())) as seat:
            await seat.press("o")
            await seat.until_said("✓ Meeting opened")
            await seat.press("n")
            await seat.until_said("✓ Item 1, Apologies for absence began")
            opened, started = seat.service.marks
            assert (opened.kind, started.kind, started.item) == (MarkKind.OPENED, MarkKind.ITEM_STARTED, "1")
            assert started.at == NOW
            await seat.press("o")
            assert seat.said == "· The meeting was opened already."

    async def test_next_follows_the_agenda_at_once(self) -> None:
        """n three times: three items, in order, shown before the service has answered."""
        async with seated(snapshot()) as seat:
            await seat.press("n", "n", "n")
            await seat.until(lambda: [mark.item for mark in seat.service.marks] == ["6", "7", "8"])
            await seat.until_said("prints this item as closed")
            await seat.press("n")
            assert seat.said.startswith("· That was the last item")

    async def test_pick_an_item(self) -> None:
        """i, an arrow or j, enter: that item begins."""
        async with seated(snapshot()) as seat:
            await seat.press("i", "j", "down", "enter")
            await seat.until_said("✓ Item 7, Skate park")
            assert seat.service.marks[0].item == "7"

    async def test_public_excluded_and_readmitted(self) -> None:
        """x asks for item and words, ready from the agenda; x again readmits."""
        async with seated(snapshot()) as seat:
            await seat.press("x", "end", "enter")
            await seat.press("!", "enter")
            await seat.until_said("✓ Public excluded for item 8")
            (mark,) = seat.service.marks
            assert (mark.kind, mark.item) == (MarkKind.PUBLIC_EXCLUDED, "8")
            assert (
                mark.note
                == "Public Bodies (Admission to Meetings) Act 1960, s1(2): commercial terms under negotiation!"
            )
            assert "public excluded since 19:42" in seat.text("#agenda")
            assert "public excluded" in seat.text("#count")
            await seat.press("x")
            await seat.until_said("✓ Public readmitted")
            assert seat.service.marks[1].kind is MarkKind.PUBLIC_READMITTED

    async def test_public_excluded_for_no_single_item(self) -> None:
        """The resolution may cover no one item, and its words may stay empty."""
        async with seated(snapshot()) as seat:
            await seat.press("x", "home", "enter", "enter")
            await seat.until_said("✓ Public excluded")
            assert (seat.service.marks[0].item, seat.service.marks[0].note) == (None, "")

    async def test_one_key_turns_it_on_and_off(self) -> None:
        """r, p and a each mark a state, shown while it lasts, and its end."""
        table = (
            ("r", MarkKind.RECORDING_SUSPENDED, MarkKind.RECORDING_RESUMED, "recording suspended since 19:42"),
            ("p", MarkKind.ASKED_NOT_TO_POST, MarkKind.POSTING_ALLOWED, "asked not to post since 19:42"),
            ("a", MarkKind.ADJOURNED, MarkKind.RESUMED, "adjourned since 19:42"),
        )
        async with seated(snapshot()) as seat:
            for key, on, off, shown in table:
                await seat.press(key)
                assert shown in seat.text("#agenda")
                await seat.press(key)
                assert shown not in seat.text("#agenda")
                await seat.until(lambda on=on, off=off: [m.kind for m in seat.service.marks[-2:]] == [on, off])

    async def test_close_asks_once(self) -> None:
        """c asks; c again closes; then only taking back is left."""
        async with seated(snapshot()) as seat:
            await seat.press("c")
            assert isinstance(seat.app.screen, Confirm)
            await seat.press("escape")
            assert seat.service.marks == []
            await seat.press("c", "c")
            await seat.until_said("✓ Meeting closed")
            await seat.press("n")
            assert seat.said == "· The meeting is closed. Press U to take the close back."
            await seat.press("U")
            await seat.until_said("✓ Taken back: Meeting closed")
            closed, taken_back = seat.service.marks
            assert (taken_back.kind, taken_back.supersedes) == (MarkKind.WITHDRAWN, closed.id)
            assert "sitting" in seat.text("#agenda")

    async def test_a_mark_made_at_another_desk_shows(self) -> None:
        """The agenda follows whoever marks."""
        async with seated(snapshot()) as seat:
            await seat.service.tell(MarkMade(seq=0, mark=Mark(id="z", kind=MarkKind.ADJOURNED, at=at(41))))
            await seat.until(lambda: "adjourned since 19:41" in seat.text("#agenda"))

    async def test_before_the_opening_keys_say_what_comes_first(self) -> None:
        """A key too early explains itself."""
        async with seated(snapshot(marks=())) as seat:
            for key in "xrpac":
                await seat.press(key)
                assert "press o when the chair opens it" in seat.said


class TestAnswers:
    """What comes of an act."""

    async def test_a_refused_act_is_undone_and_told(self) -> None:
        """What the service refuses did not happen, and its reason stands above the keys."""
        async with seated(snapshot()) as seat:
            seat.service.refuse = Refusal(error="The agenda has no item “6”.", mend="Look at the file.")
            await seat.press("n")
            await seat.until_said("✕ Not done: The agenda has no item “6”. Look at the file. (Item 6, Planning")
            assert seat.desk.desk.moment(NOW).item == "5"

    async def test_acts_while_the_link_is_lost_hold_and_go_out_later(self) -> None:
        """The clerk goes on working: acts show at once, keep their time, and reach the service when it is back."""
        async with seated(snapshot()) as seat:
            await seat.service.stop()
            await seat.until(lambda: "Link lost at 19:42:00" in seat.text("#banner"))
            await seat.press("n", "n", "d", "h")
            assert "0:00  7  Skate park" in seat.text("#agenda")
            assert "3 acts of yours are kept" in seat.prose("#banner")
            assert "sent as soon as the link is back" in seat.said
            await seat.service.start()
            await seat.until(lambda: len(seat.service.marks) == 2 and len(seat.service.decisions) == 1)
            assert [mark.at for mark in seat.service.marks] == [NOW, NOW]
            await seat.until(lambda: not seat.desk.query_one("#banner").display)

    async def test_a_link_for_the_chair(self) -> None:
        """l shows the one-time link, and nothing else of it stays."""
        async with seated(snapshot()) as seat:
            await seat.press("l")
            await seat.until(lambda: isinstance(seat.app.screen, LinkShown))
            assert seat.service.requests == [("/api/v1/meetings/saltmarsh/chair-link", b"")]
            assert "started with --host" in read(seat.app.screen)
            await seat.press("enter")
            assert not isinstance(seat.app.screen, LinkShown)

    @pytest.mark.parametrize(
        ("url", "alone"),
        [
            ("http://127.0.0.1:8642/chair/x", True),
            ("http://[::1]:8642/chair/x", True),
            ("http://localhost:8642/chair/x", True),
            ("http://192.0.2.7:8642/chair/x", False),
            ("http://council.example:8642/chair/x", False),
            ("http://[broken", False),
        ],
    )
    def test_a_link_that_opens_on_this_computer_alone_is_known(self, url: str, alone: bool) -> None:
        """Only then does the sheet say how a tablet can be given the page."""
        assert reached_from_here_alone(url) is alone

    async def test_no_link_for_the_chair(self) -> None:
        """A refused link says why."""
        async with seated(snapshot()) as seat:
            seat.service.refuse = Refusal(error="Not now.", mend="Later.")
            await seat.press("l")
            await seat.until_said("✕ No link for the chair. Not now. Later.")


class TestMovingAbout:
    """Keys that change nothing but what is seen."""

    async def test_arrows_and_letters_move(self) -> None:
        """j and down, k and up, home and end."""
        async with seated(snapshot()) as seat:
            places = []
            for key in ("j", "down", "j", "k", "up", "end", "home", "G"):
                await seat.press(key)
                places.append(seat.desk.flags.index)
            assert places == [1, 2, 2, 1, 0, 2, 0, 2]
            assert "you were •••• ••••" in seat.text("#post")

    async def test_a_click_selects(self) -> None:
        """The mouse works too: a row, and a key of the footer."""
        async with seated(snapshot()) as seat:
            await seat.pilot.click("#flags", offset=(10, 4))
            assert seat.desk.flags.index == 1
            keys = seat.text("#foot").splitlines()[0]
            await seat.pilot.click("#foot", offset=(keys.index("e keep"), 0))
            await seat.until_said("✓ Kept for later")

    async def test_new_flags_below_are_counted_and_reached(self) -> None:
        """Flags that come while the clerk reads are told in the list's title; g goes to them."""
        async with seated(snapshot(), size=(80, 24)) as seat:
            await seat.service.tell(
                *(FlagRaised(seq=0, view=attack(n, f"fool number {n}", 42 + n / 10, "fool")) for n in range(10, 15))
            )
            await seat.until(lambda: len(seat.desk.flags.unseen) == 5)
            assert seat.desk.flags.cursor == FIRST
            assert "+5 new below" in str(seat.desk.query_one("#flags").border_title)
            await seat.press("g")
            assert "number 10" in seat.text("#post")
            assert len(seat.desk.flags.unseen) == 4

    async def test_filter(self) -> None:
        """f goes round: standing, handled, all."""
        async with seated(snapshot()) as seat:
            await seat.press("d", "f", "f")
            assert "dismissed" in seat.text("#flags")
            assert "plumber" not in seat.text("#flags")
            await seat.press("f")
            assert "plumber" in seat.text("#flags")
            await seat.press("f")
            assert "dismissed" not in seat.text("#flags")

    async def test_reading_on_a_small_screen(self) -> None:
        """Enter gives the flag the whole room, escape gives the list back; v shows agenda and sources."""
        async with seated(snapshot(), size=(80, 24)) as seat:
            assert not seat.desk.query_one("#agenda").display
            await seat.press("enter")
            assert not seat.desk.query_one("#flags").display
            assert seat.app.focused is seat.desk.query_one("#detail")
            await seat.press("escape")
            assert seat.desk.query_one("#flags").display
            await seat.press("v")
            assert seat.desk.query_one("#agenda").display
            await seat.press("v")
            assert seat.desk.query_one("#sources").display
            await seat.press("v")
            assert seat.desk.query_one("#detail").display

    async def test_reading_on(self) -> None:
        """Space reads on in the detail while the list keeps the keys."""
        async with seated(snapshot(), size=(80, 24)) as seat:
            await seat.press("space")
            assert seat.desk.query_one("#detail").scroll_offset.y > 0
            await seat.press("b")
            assert seat.desk.query_one("#detail").scroll_offset.y == 0

    async def test_help_opens_and_closes(self) -> None:
        """? shows the keys; escape, q or ? goes back."""
        async with seated(snapshot()) as seat:
            for leave in ("escape", "q", "question_mark"):
                await seat.press("question_mark")
                assert isinstance(seat.app.screen, Help)
                await seat.press(leave)
                assert not isinstance(seat.app.screen, Help)

    async def test_leaving_asks_once(self) -> None:
        """q, and the habits of other programs, ask before the desk closes."""
        async with seated(snapshot()) as seat:
            for key in ("q", "ctrl+q", "ctrl+c"):
                await seat.press(key)
                assert isinstance(seat.app.screen, Confirm)
                await seat.press("escape")
                assert seat.app.is_running
            await seat.press("q", "q")
            await seat.until(lambda: not seat.app.is_running)
            assert seat.app.return_code == 0

    async def test_leaving_with_acts_unsent_says_what_would_be_lost(self) -> None:
        """An act that did not reach the service is named before the desk closes."""
        async with seated(snapshot(), stops_service=True) as seat:
            await seat.service.stop()
            await seat.until(lambda: seat.desk.query_one("#banner").display)
            await seat.press("n", "q")
            assert "1 of your acts did not reach the service" in read(seat.app.screen)

    async def test_the_palette_reaches_every_act(self) -> None:
        """ctrl+p, some letters, enter: the act is done."""
        async with seated(snapshot()) as seat:
            await seat.press("ctrl+p", *"recess", *["backspace"] * 6, *"adjourn")
            await seat.pilot.pause(0.3)
            await seat.press("enter")
            await seat.until(lambda: bool(seat.service.marks))
            assert seat.service.marks[0].kind is MarkKind.ADJOURNED
