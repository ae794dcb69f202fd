"""The desk's state is a fold of messages: what it knows, which flags it shows, what it says at a glance."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.wire import (
    ChairSaw,
    Decision,
    DecisionKind,
    DecisionMade,
    DismissReason,
    FlagCleared,
    FlagRaised,
    FlagState,
    FlagView,
    FollowingEnded,
    Mark,
    MarkKind,
    MarkMade,
    Message,
    Phase,
    PostDeleted,
    Severity,
    SourceChanged,
    SourceCondition,
)
from tests.desk.evening import FLAGS, MARKS, MEETING, NOW, SOURCES, at, attack, closed, snapshot
from tui.model.agenda import Place, next_item, rows
from tui.model.desk import Desk
from tui.model.flaglist import FlagList, Showing
from tui.model.glance import Word, glance

OWN = "desk-a-"


def decided(
    flag: str, kind: DecisionKind, number: int, by: str = OWN, minutes: float = 42, undoes: str | None = None
) -> DecisionMade:
    """A decision as the service tells it."""
    decision = Decision(
        id=f"{by}{number:06}",
        flag=flag,
        kind=kind,
        at=at(minutes),
        reason=DismissReason.FAIR_COMMENT if kind is DecisionKind.DISMISS else None,
        words="Words." if kind in (DecisionKind.TELL_CHAIR, DecisionKind.NOTE) else "",
        undoes=undoes,
    )
    return DecisionMade(seq=0, decision=decision, state=FlagState.NEW)


def raised(view: FlagView) -> FlagRaised:
    """A flag as the service tells it."""
    return FlagRaised(seq=0, view=view)


def a_desk(**parts: object) -> Desk:
    """A desk that was told a snapshot."""
    return Desk(snapshot(**parts), OWN)  # type: ignore[arg-type]  # the snapshot's own parts


def told(desk: Desk, *messages: Message) -> Desk:
    """The desk after more messages."""
    for message in messages:
        desk.apply(message)
    return desk


class TestFold:
    """What the desk knows after messages."""

    def test_each_message_changes_its_part(self) -> None:
        """Flags, marks, decisions, deletions, sources: each lands where it belongs."""
        desk = told(
            a_desk(),
            raised(attack(7, "You fool", 41.5, "fool")),
            FlagCleared(seq=0, flag="f0002", why="It was item 4 then."),
            PostDeleted(seq=0, post=FLAGS[0].flag.post, at=at(41.8)),
            decided("f0003", DecisionKind.TELL_CHAIR, 1),
            ChairSaw(seq=0, flag="f0003", at=at(43)),
            MarkMade(seq=0, mark=Mark(id="m7", kind=MarkKind.ADJOURNED, at=at(41.9))),
            FollowingEnded(seq=0, at=at(44), why="over"),
        )
        assert [view.flag.id for view in desk.flags()] == ["f0001", "f0002", "f0003", "f0007"]
        assert desk.flag("f0002").cleared == "It was item 4 then."
        assert desk.flag("f0001").deleted_at == at(41.8)
        assert desk.state("f0003") is FlagState.TOLD
        assert desk.flag("f0003").seen_by_chair_at == at(43)
        assert desk.moment(NOW).phase is Phase.ADJOURNED
        assert not desk.following
        assert desk.ended is not None

    def test_the_same_message_twice_changes_nothing_more(self) -> None:
        """A message that comes again after a resync is not counted double."""
        desk = told(a_desk(), *[decided("f0001", DecisionKind.KEEP, 1)] * 2, *[MarkMade(seq=0, mark=MARKS[0])] * 2)
        assert len(desk.flag("f0001").decisions) == 1
        assert len(desk.timeline.marks) == len(MARKS)

    def test_messages_about_an_unknown_flag_are_let_pass(self) -> None:
        """A flag this desk never heard of cannot make it stumble."""
        desk = told(
            a_desk(),
            FlagCleared(seq=0, flag="nobody", why="gone"),
            ChairSaw(seq=0, flag="nobody", at=NOW),
            decided("nobody", DecisionKind.KEEP, 1),
        )
        assert len(list(desk.flags())) == 3

    def test_told_again_the_chair_has_not_seen_it_yet(self) -> None:
        """A second telling waits for its own “seen”."""
        desk = told(
            a_desk(),
            decided("f0001", DecisionKind.TELL_CHAIR, 1),
            ChairSaw(seq=0, flag="f0001", at=NOW),
            decided("f0001", DecisionKind.TELL_CHAIR, 2, minutes=43),
        )
        assert desk.flag("f0001").seen_by_chair_at is None

    @given(st.data())
    def test_a_snapshot_stands_for_the_messages_before_it(self, data: st.DataObject) -> None:
        """Joining late and being told everything gives the same desk as having listened throughout."""
        pool: list[Message] = [
            *(raised(attack(number, f"You fool {number}", number, "fool")) for number in range(10, 14)),
            *(decided(f"f{number:04}", DecisionKind.DISMISS, number) for number in range(10, 14)),
            *(MarkMade(seq=0, mark=Mark(id=f"x{n}", kind=MarkKind.ADJOURNED, at=at(n))) for n in (41, 43)),
            FlagCleared(seq=0, flag="f0001", why="judged again"),
        ]
        messages = data.draw(st.permutations(pool))
        listened = told(a_desk(), *messages)
        joined = Desk(snapshot(flags=tuple(listened.flags()), marks=listened.timeline.entered), OWN)
        assert list(joined.flags()) == list(listened.flags())
        assert joined.timeline.marks == listened.timeline.marks
        assert glance(joined, True) == glance(listened, True)


class TestPending:
    """Acts of this desk that the service has not told back yet."""

    def test_an_act_shows_before_it_is_answered(self) -> None:
        """A mark and a decision hold here at once."""
        desk = a_desk()
        desk.expect(Mark(id=f"{OWN}1", kind=MarkKind.ITEM_STARTED, at=NOW, item="6"))
        desk.expect(decided("f0001", DecisionKind.KEEP, 2).decision)
        assert desk.moment(NOW).item == "6"
        assert desk.state("f0001") is FlagState.KEPT
        assert desk.pending == 2
        assert desk.is_pending(f"{OWN}1")

    def test_the_services_word_replaces_ours(self) -> None:
        """Told back, the act is no longer pending and counts once."""
        desk = a_desk()
        message = decided("f0001", DecisionKind.KEEP, 2)
        desk.expect(message.decision)
        told(desk, message)
        assert desk.pending == 0
        assert len(desk.flag("f0001").decisions) == 1

    def test_a_refused_act_is_gone(self) -> None:
        """Taken back, it is as if it had never been."""
        desk = a_desk()
        mark = Mark(id=f"{OWN}1", kind=MarkKind.CLOSED, at=NOW)
        decision = decided("f0001", DecisionKind.DISMISS, 2).decision
        for act in (mark, decision):
            desk.expect(act)
            desk.take_back(act)
        assert desk.moment(NOW).phase is Phase.IN_SESSION
        assert desk.state("f0001") is FlagState.NEW

    def test_a_snapshot_keeps_what_is_still_on_its_way(self) -> None:
        """After a resync, acts not yet answered still show; those the snapshot holds are settled."""
        desk = a_desk()
        mark = Mark(id=f"{OWN}1", kind=MarkKind.ITEM_STARTED, at=NOW, item="6")
        desk.expect(mark)
        desk.expect(decided("f0001", DecisionKind.KEEP, 2).decision)
        desk.apply(snapshot(marks=(*MARKS, mark)))
        assert desk.pending == 1
        assert desk.moment(NOW).item == "6"
        assert desk.state("f0001") is FlagState.KEPT


class TestUndo:
    """What undo would take back."""

    def test_the_last_decision_of_this_desk(self) -> None:
        """Without a handled flag under the cursor it is this desk's latest, never another desk's."""
        desk = told(
            a_desk(),
            decided("f0001", DecisionKind.DISMISS, 1, minutes=42),
            decided("f0002", DecisionKind.KEEP, 2, minutes=43),
            decided("f0003", DecisionKind.CONFIRM, 1, by="desk-b-", minutes=44),
        )
        assert desk.undoable(None).flag == "f0002"
        told(desk, decided("f0002", DecisionKind.UNDO, 3, minutes=45, undoes=f"{OWN}000002"))
        assert desk.undoable(None).flag == "f0001"

    def test_the_selected_handled_flags_own(self) -> None:
        """On a handled flag it is that flag's decision, whoever made it."""
        desk = told(
            a_desk(),
            decided("f0001", DecisionKind.DISMISS, 1, by="desk-b-"),
            decided("f0002", DecisionKind.KEEP, 2),
        )
        assert desk.undoable("f0001").id == "desk-b-000001"

    def test_the_last_mark_said(self) -> None:
        """Marks are taken back in the order they were said, withdrawn ones left out."""
        desk = a_desk()
        assert desk.undoable_mark().id == "m6"
        told(desk, MarkMade(seq=0, mark=Mark(id="w", kind=MarkKind.WITHDRAWN, at=at(42), supersedes="m6")))
        assert desk.undoable_mark().id == "m5"


class TestFlagList:
    """Which rows are shown, and that messages never move the cursor."""

    def test_new_flags_go_below_and_are_counted(self) -> None:
        """A new flag is appended; the cursor and its row stay."""
        desk = a_desk()
        flags = FlagList(desk)
        flags.move(1)
        told(desk, raised(attack(7, "fool", 30, "fool")))
        flags.follow()
        assert flags.rows == ["f0001", "f0002", "f0003", "f0007"]
        assert (flags.cursor, flags.index, flags.unseen) == ("f0002", 1, {"f0007"})

    @given(st.lists(st.integers(0, 5), max_size=12), st.integers(0, 2))
    def test_no_message_moves_the_cursor(self, kinds: list[int], row: int) -> None:
        """Whatever arrives, what the clerk looks at stays on its row."""
        desk = a_desk()
        flags = FlagList(desk)
        flags.select(row)
        before = (flags.cursor, flags.index)
        for number, kind in enumerate(kinds, 20):
            messages: list[Message] = [
                raised(attack(number, "fool", number / 10, "fool")),
                decided("f0001", DecisionKind.DISMISS, number, by="desk-b-"),
                FlagCleared(seq=0, flag="f0002", why="judged again"),
                MarkMade(seq=0, mark=Mark(id=f"m{number}", kind=MarkKind.ADJOURNED, at=at(number))),
                PostDeleted(seq=0, post=FLAGS[0].flag.post, at=NOW),
                raised(FLAGS[2]),
            ]
            told(desk, messages[kind])
            flags.follow()
            assert (flags.cursor, flags.index) == before

    def test_ones_own_decision_takes_the_row_and_goes_on(self) -> None:
        """Handled here, a flag leaves the standing list and the cursor is on the next; undone, it comes back."""
        desk = a_desk()
        flags = FlagList(desk)
        flags.move(1)
        told(desk, decided("f0002", DecisionKind.DISMISS, 1))
        flags.follow()
        assert (flags.rows, flags.cursor) == (["f0001", "f0003"], "f0003")
        told(desk, decided("f0002", DecisionKind.UNDO, 2, undoes=f"{OWN}000001"))
        flags.follow()
        assert (flags.rows, flags.cursor) == (["f0001", "f0002", "f0003"], "f0002")

    def test_kept_flags_stay(self) -> None:
        """Kept for later is still standing."""
        desk = a_desk()
        flags = FlagList(desk)
        told(desk, decided("f0001", DecisionKind.KEEP, 1))
        flags.follow()
        assert flags.rows == ["f0001", "f0002", "f0003"]

    def test_handled_elsewhere_a_row_stays_until_the_clerk_chooses(self) -> None:
        """Another desk's decision leaves the row in place; choosing what to show takes it away."""
        desk = a_desk()
        flags = FlagList(desk)
        told(desk, decided("f0001", DecisionKind.DISMISS, 1, by="desk-b-"))
        flags.follow()
        assert flags.rows[0] == "f0001"
        flags.show(Showing.STANDING)
        assert flags.rows == ["f0002", "f0003"]
        flags.show(Showing.HANDLED)
        assert flags.rows == ["f0001"]
        flags.show(Showing.ALL)
        assert flags.rows == ["f0001", "f0002", "f0003"]

    def test_the_first_flag_gets_the_cursor(self) -> None:
        """An empty list that is no longer empty has its first row selected; an emptied one has none."""
        desk = a_desk(flags=())
        flags = FlagList(desk)
        assert (flags.cursor, flags.index) == (None, -1)
        flags.move(1)
        told(desk, raised(FLAGS[0]))
        flags.follow()
        assert flags.cursor == "f0001"
        told(desk, decided("f0001", DecisionKind.CONFIRM, 1))
        flags.follow()
        assert flags.cursor is None

    def test_quiet_rules_flags_are_not_shown_as_standing(self) -> None:
        """A rule on trial raises no row and no glance."""
        quiet = msgspec.structs.replace(FLAGS[0], flag=msgspec.structs.replace(FLAGS[0].flag, quiet=True))
        desk = a_desk(flags=(quiet,))
        assert FlagList(desk).rows == []
        assert glance(desk, True).word is Word.CLEAR

    def test_seen_rows_are_no_longer_new(self) -> None:
        """Going to the unseen finds the first of them; having been on screen makes it seen."""
        desk = a_desk()
        flags = FlagList(desk)
        told(desk, *(raised(attack(n, "fool", n, "fool")) for n in (50, 51)))
        flags.follow()
        flags.select_unseen()
        assert flags.cursor == "f0050"
        assert flags.seen(["f0050"])
        assert not flags.seen(["f0050"])
        assert flags.unseen == {"f0051"}


class TestGlance:
    """The one word."""

    def test_warnings_ask_to_look(self) -> None:
        """New warnings and notices are counted, and the oldest one's time told."""
        now = glance(a_desk(), True)
        assert now.word is Word.LOOK
        assert now.new == {Severity.WARNING: 2, Severity.NOTICE: 1}
        assert now.oldest == FLAGS[0].flag.raised_at

    def test_a_critical_flag_asks_to_act_until_handled(self) -> None:
        """Act stands exactly while a critical flag is unhandled."""
        desk = told(a_desk(), raised(closed(9, "secret", 41, MARKS)))
        assert glance(desk, True).word is Word.ACT
        told(desk, decided("f0009", DecisionKind.TELL_CHAIR, 1))
        assert glance(desk, True).word is Word.LOOK
        assert glance(desk, True).handled == 1

    def test_information_alone_stays_clear(self) -> None:
        """A flag for information is counted and does not call."""
        info = msgspec.structs.replace(FLAGS[1], flag=msgspec.structs.replace(FLAGS[1].flag, severity=Severity.INFO))
        now = glance(a_desk(flags=(info,)), True)
        assert (now.word, now.new) == (Word.CLEAR, {Severity.INFO: 1})

    def test_silence_is_not_shown_as_clear(self) -> None:
        """Without the link, the following or the source, nothing is called clear."""
        lost = msgspec.structs.replace(SOURCES[0], condition=SourceCondition.LOST)
        assert glance(a_desk(flags=()), True).word is Word.CLEAR
        assert glance(a_desk(flags=()), False).word is Word.LOST
        assert glance(a_desk(flags=(), following=False), True).word is Word.OFF
        blind = glance(told(a_desk(flags=()), SourceChanged(seq=0, state=lost, counts=snapshot().counts)), True)
        assert (blind.word, blind.why) == (Word.LOOK, "bluesky not received")

    def test_kept_and_cleared_flags_do_not_call(self) -> None:
        """What is put by, or no longer raised, does not keep the word at look."""
        desk = told(
            a_desk(flags=FLAGS[:2]),
            decided("f0001", DecisionKind.KEEP, 1),
            FlagCleared(seq=0, flag="f0002", why="judged again"),
        )
        now = glance(desk, True)
        assert (now.word, now.kept, now.oldest) == (Word.CLEAR, 1, None)


class TestAgenda:
    """Where the meeting is."""

    def test_rows_tell_places_and_times(self) -> None:
        """Items taken, the one being taken, those to come; with their times."""
        shown = rows(a_desk(), NOW)
        assert [row.place for row in shown] == [*[Place.TAKEN] * 4, Place.NOW, *[Place.TO_COME] * 3]
        assert shown[4].taken == timedelta(minutes=4.9)

    def test_an_adjournment_breaks_off_the_item(self) -> None:
        """While adjourned, the item broken off is shown as such, and the next is the one after it."""
        desk = a_desk(marks=(*MARKS, Mark(id="m7", kind=MarkKind.ADJOURNED, at=at(41))))
        assert rows(desk, NOW)[4].place is Place.BROKEN_OFF
        assert next_item(desk, NOW).number == "6"

    @pytest.mark.parametrize(("marks", "number"), [((), "1"), (MARKS[:2], "2"), (MARKS, "6")])
    def test_the_next_item_follows_the_agenda(self, marks: tuple[Mark, ...], number: str) -> None:
        """First before any, then the one after where we are."""
        assert next_item(a_desk(marks=marks), NOW).number == number

    def test_after_the_last_item_there_is_no_next(self) -> None:
        """At the end of the agenda nothing follows; an agenda without items has no next either."""
        last = Mark(id="m9", kind=MarkKind.ITEM_STARTED, at=at(41), item="8")
        assert next_item(a_desk(marks=(*MARKS, last)), NOW) is None
        assert next_item(a_desk(meeting=msgspec.structs.replace(MEETING, items=())), NOW) is None
