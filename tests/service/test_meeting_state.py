"""One meeting's state: whatever order things become known in, the same flags stand; and nothing is said twice."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedmon.model import entries
from feedmon.model.decisions import DecisionKind, DismissReason, FlagState
from feedmon.model.posts import Deleted, Edited, Post, PostKey, Seen, SourceEvent
from feedmon.model.sourcestate import SourceCondition, SourceState
from feedmon.model.timeline import MarkKind
from feedmon.service.meeting_state import MeetingState
from feedmon.service.refusals import Refused
from feedmon.wire import DecisionMade, DecisionRequest, FlagCleared, FlagRaised, FlagView, MarkMade, MarkRequest
from tests.service.rooms import (
    ABSENT,
    BRENNAN,
    GOSSIP,
    HARMLESS,
    INSULT,
    OLDROYD,
    RESIDENT,
    RESIDENTS_VIEW,
    THREAT,
    at,
    fresh,
    mark,
    post,
    seen,
    settle,
    standing,
)

OPENED = mark("m1", MarkKind.OPENED, 30)
EXCLUDED = mark("m2", MarkKind.PUBLIC_EXCLUDED, 40)


def kinds(effects_entries: list[entries.Entry]) -> list[str]:
    return [type(entry).__name__ for entry in effects_entries]


def in_closed_session() -> MeetingState:
    state = fresh()
    state.on_mark(OPENED, at(30))
    state.on_mark(EXCLUDED, at(40))
    return state


def only_flag(state: MeetingState) -> FlagView:
    (view,) = state.shown()
    return view


def decide(flag: str, kind: DecisionKind, name: str = "d1", **fields: object) -> DecisionRequest:
    return DecisionRequest(id=name, flag=flag, kind=kind, **fields)  # type: ignore[arg-type]  # words, reason, undoes


# ----------------------------------------------------------------------------------------------------- property

_texts = st.sampled_from([HARMLESS, GOSSIP, INSULT, INSULT, THREAT, RESIDENTS_VIEW])
_authors = st.sampled_from([BRENNAN, OLDROYD, ABSENT, RESIDENT])
_minutes = st.integers(min_value=25, max_value=75)


@st.composite
def _events(draw: st.DrawFn) -> list[SourceEvent]:
    events: list[SourceEvent] = []
    for number in range(draw(st.integers(1, 7))):
        author, minute = draw(_authors), draw(_minutes)
        first = post(number, minute, draw(_texts), author, photo=draw(st.booleans()))
        events.append(Seen(first))
        if draw(st.booleans()):
            events.append(Edited(post(number, minute + 1, draw(_texts), author, version="2")))
        if draw(st.booleans()):
            events.append(Deleted(first.key, at(minute + draw(st.integers(0, 3)))))
    return events


@st.composite
def _marks(draw: st.DrawFn) -> list[tuple[MarkRequest, datetime]]:
    """Marks with when each was said: the clerk says them in this order, whenever the service hears of them."""
    marks = [(OPENED, at(30))]
    for number in range(draw(st.integers(0, 7))):
        kind = draw(
            st.sampled_from(
                [
                    MarkKind.ITEM_STARTED,
                    MarkKind.PUBLIC_EXCLUDED,
                    MarkKind.PUBLIC_READMITTED,
                    MarkKind.ADJOURNED,
                    MarkKind.RESUMED,
                    MarkKind.ASKED_NOT_TO_POST,
                    MarkKind.POSTING_ALLOWED,
                    MarkKind.WITHDRAWN,
                    MarkKind.CLOSED,
                ]
            )
        )
        fields = {"item": draw(st.sampled_from(["4", "5", "9"]))} if kind is MarkKind.ITEM_STARTED else {}
        if kind is MarkKind.WITHDRAWN or draw(st.integers(0, 3)) == 0:
            fields["supersedes"] = draw(st.sampled_from(marks))[0].id
        marks.append((mark(f"n{number}", kind, draw(_minutes), **fields), at(76 + number)))
    return marks


@settings(max_examples=60, deadline=None)
@given(events=_events(), marks=_marks(), data=st.data())
def test_any_order_of_posts_and_marks_leads_to_the_same_flags(
    events: list[SourceEvent], marks: list[tuple[MarkRequest, datetime]], data: st.DataObject
) -> None:
    """Late posts, late marks, corrections before what they correct: as if everything had been known at once."""
    at_once = fresh()
    for request, said_at in marks:
        at_once.on_mark(request, said_at)
    for event in events:
        at_once.on_event(event, at(90))
    settle(at_once, at(90))

    piecemeal = fresh()
    written: list[entries.Entry] = []
    for step in data.draw(st.permutations([*events, *marks])):
        effects = piecemeal.on_mark(*step).effects if isinstance(step, tuple) else piecemeal.on_event(step, at(90))
        written += effects.entries
        if data.draw(st.booleans()):
            written += settle(piecemeal, at(95)).entries
    written += settle(piecemeal, at(95)).entries
    assert standing(piecemeal) == standing(at_once)

    recovered = fresh()
    for entry in written:
        recovered.recover(entry)
    recovered.recovered()
    nothing_new = settle(recovered, at(99))
    assert standing(recovered) == standing(at_once)
    assert (nothing_new.entries, nothing_new.messages) == ([], [])


# -------------------------------------------------------------------------------------------------------- posts


def test_a_members_post_is_written_down_and_a_residents_is_only_counted() -> None:
    """What is not flagged and not a member's leaves a number and nothing else."""
    state = fresh()
    mine = state.on_event(seen(1, 35), at(35))
    theirs = state.on_event(seen(2, 35, RESIDENTS_VIEW, RESIDENT), at(35))
    assert kinds(mine.entries) == ["PostCaptured"]
    assert theirs.entries == []
    assert (state.sources.counts.members_posts, state.sources.counts.public_posts) == (1, 1)


def test_a_flagged_post_of_a_resident_is_written_down_with_its_flag() -> None:
    """A threat to a member must not be lost."""
    effects = fresh().on_event(seen(1, 35, THREAT, RESIDENT), at(35))
    assert kinds(effects.entries) == ["PostCaptured", "FlagRaised"]
    (captured, _) = effects.entries
    assert isinstance(captured, entries.PostCaptured)
    assert captured.member is None


def test_of_a_flagged_post_every_version_is_written_down() -> None:
    """A resident who softens a threat has that on record too, whichever version came first."""
    first, second = post(1, 35, THREAT, RESIDENT), post(1, 36, RESIDENTS_VIEW, RESIDENT, version="2")
    events: list[SourceEvent] = [Seen(first), Edited(second)]
    for in_order in (True, False):
        state = fresh()
        events = events if in_order else events[::-1]
        written = [entry for event in events for entry in state.on_event(event, at(37)).entries]
        assert sorted(kinds(written)) == ["FlagRaised", "PostCaptured", "PostCaptured"]
        assert only_flag(state).edited_at == at(36)


def test_the_same_post_again_changes_nothing() -> None:
    """Feeds repeat themselves after every reconnection."""
    state = in_closed_session()
    state.on_event(seen(1, 45, GOSSIP), at(45))
    counts = state.sources.counts
    again = state.on_event(seen(1, 45, GOSSIP), at(46))
    assert (again.entries, again.messages) == ([], [])
    assert state.sources.counts == counts


def test_what_was_posted_outside_the_window_is_not_looked_at() -> None:
    """Nothing is followed outside the time the meeting file gives."""
    state = fresh()
    effects = state.on_event(seen(1, -1, THREAT, RESIDENT), at(1))
    assert effects.entries == []
    assert state.sources.counts.skipped == 1


def test_an_edit_is_judged_by_itself_and_the_old_flag_stays_marked_as_edited() -> None:
    """Taking the words back later does not make them unsaid."""
    state = in_closed_session()
    state.on_event(seen(1, 45, GOSSIP), at(45))
    effects = state.on_event(Edited(post(1, 47, "In private session.", version="2")), at(47))
    view = only_flag(state)
    assert (view.edited_at, view.cleared) == (at(47), None)
    assert [message.view for message in effects.messages if isinstance(message, FlagRaised)] == [view]

    state.on_event(Edited(post(1, 48, GOSSIP + " So there.", version="3")), at(48))
    first, second = state.shown()
    assert first.flag.id != second.flag.id
    assert (first.edited_at, second.edited_at) == (at(47), None)


def test_a_deletion_shows_on_the_flag_even_when_it_came_first() -> None:
    """Feeds do not promise an order; the earliest deletion stands."""
    state = in_closed_session()
    key = post(1, 45).key
    assert state.on_event(Deleted(key, at(49)), at(49)).entries == []
    effects = state.on_event(seen(1, 45, GOSSIP), at(50))
    assert kinds(effects.entries) == ["PostCaptured", "PostRemoved", "FlagRaised"]
    assert only_flag(state).deleted_at == at(49)
    state.on_event(Deleted(key, at(48)), at(51))
    assert only_flag(state).deleted_at == at(48)
    assert state.on_event(Deleted(key, at(52)), at(52)).messages == []


def test_the_deletion_of_an_unwritten_post_is_not_written_either() -> None:
    """A key names its author."""
    state = fresh()
    state.on_event(seen(1, 35, RESIDENTS_VIEW, RESIDENT), at(35))
    effects = state.on_event(Deleted(post(1, 35, author=RESIDENT).key, at(36)), at(36))
    assert (effects.entries, effects.messages) == ([], [])


# -------------------------------------------------------------------------------------------------------- marks


def test_a_late_mark_raises_the_flags_it_should_have_raised() -> None:
    """“The public went out at 19:10” said at 19:20 reaches back to 19:10, and no further."""
    state = fresh()
    state.on_mark(OPENED, at(30))
    state.on_event(seen(1, 38, GOSSIP), at(38))
    state.on_event(seen(2, 45, GOSSIP), at(45))
    assert state.shown() == ()
    state.on_mark(EXCLUDED, at(50))
    effects = settle(state, at(50))
    assert only_flag(state).post.key == post(2, 45).key
    assert kinds(effects.entries) == ["FlagRaised"]


def test_a_correction_clears_a_flag_and_says_which_mark_did() -> None:
    """The clerk sees why a flag is gone; its record stays."""
    state = in_closed_session()
    state.on_event(seen(1, 45, GOSSIP), at(45))
    state.on_mark(mark("m3", MarkKind.PUBLIC_EXCLUDED, 47, supersedes="m2"), at(50))
    effects = settle(state, at(50))
    (cleared,) = (message for message in effects.messages if isinstance(message, FlagCleared))
    assert cleared.why == "Judged again after “public excluded” at 19:17 was corrected: it no longer holds."
    assert only_flag(state).cleared == cleared.why

    state.on_mark(mark("m4", MarkKind.PUBLIC_EXCLUDED, 40, supersedes="m3"), at(52))
    settle(state, at(52))
    assert only_flag(state).cleared is None
    assert only_flag(state).flag.raised_at == at(45)


def test_a_withdrawn_mark_is_named_in_the_reason() -> None:
    """What was withdrawn is what matters, not the withdrawal."""
    state = in_closed_session()
    state.on_event(seen(1, 45, GOSSIP), at(45))
    state.on_mark(mark("m3", MarkKind.WITHDRAWN, 50, supersedes="m2"), at(50))
    settle(state, at(50))
    assert "“public excluded” at 19:10 was withdrawn" in (only_flag(state).cleared or "")


def test_a_flag_judged_again_keeps_its_name_and_its_decisions() -> None:
    """A kept flag stays kept when a mark changes its moment."""
    state = in_closed_session()
    state.on_event(seen(1, 45, GOSSIP), at(45))
    flag = only_flag(state).flag.id
    state.on_decision(decide(flag, DecisionKind.KEEP), at(46))
    state.on_mark(mark("m3", MarkKind.PUBLIC_EXCLUDED, 41, supersedes="m2"), at(47))
    effects = settle(state, at(47))
    assert kinds(effects.entries) == ["FlagRaised"]
    assert only_flag(state).flag.id == flag
    assert [decision.kind for decision in only_flag(state).decisions] == [DecisionKind.KEEP]


def test_the_same_mark_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    """A desk that did not hear the answer sends again."""
    state = fresh()
    assert kinds(state.on_mark(OPENED, at(30)).effects.entries) == ["Marked"]
    assert state.on_mark(OPENED, at(33)).effects.entries == []
    at_no_time = MarkRequest(id="m9", kind=MarkKind.PUBLIC_EXCLUDED)
    state.on_mark(at_no_time, at(34))
    assert state.on_mark(at_no_time, at(35)).effects.entries == []
    with pytest.raises(Refused) as refused:
        state.on_mark(mark("m1", MarkKind.CLOSED, 30), at(36))
    assert refused.value.status == 409


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (mark("x", MarkKind.ITEM_STARTED, 31, item="44"), "no item “44”"),
        (mark("x", MarkKind.MEMBER_LEFT, 31, member="nobody-at-all"), "no member “nobody-at-all”"),
        (mark("x", MarkKind.ITEM_STARTED, 31), "needs the item"),
        (mark("x", MarkKind.WITHDRAWN, 31), "must name the mark"),
    ],
)
def test_a_mark_that_can_mean_nothing_is_refused(request_: MarkRequest, said: str) -> None:
    """With a plain word of what is wrong, and no change."""
    state = fresh()
    with pytest.raises(Refused) as refused:
        state.on_mark(request_, at(31))
    assert refused.value.status == 400
    assert said in refused.value.refusal.error
    assert state.marks == {}


@pytest.mark.parametrize(
    ("request_", "warned"),
    [
        (mark("x", MarkKind.OPENED, 31), "changes nothing"),
        (mark("x", MarkKind.PUBLIC_EXCLUDED, 45), "still to come"),
        (mark("x", MarkKind.PUBLIC_EXCLUDED, -5), "outside the time"),
        (mark("x", MarkKind.PUBLIC_EXCLUDED, 31, supersedes="m77"), "not known"),
        (mark("x", MarkKind.PUBLIC_EXCLUDED, 31), ""),
    ],
)
def test_an_odd_mark_is_taken_with_a_warning(request_: MarkRequest, warned: str) -> None:
    """The clerk knows the room; feedmon only says what it noticed."""
    state = fresh()
    state.on_mark(OPENED, at(30))
    answer = state.on_mark(request_, at(31))
    assert isinstance(answer.effects.messages[0], MarkMade)
    assert warned in answer.warning
    assert bool(warned) == bool(answer.warning)


# ---------------------------------------------------------------------------------------------------- decisions


def flagged() -> tuple[MeetingState, str]:
    state = in_closed_session()
    state.on_event(seen(1, 45, GOSSIP), at(45))
    return state, only_flag(state).flag.id


def test_a_decision_moves_a_flag_and_an_undo_moves_it_back() -> None:
    """Append-only: both stay on record."""
    state, flag = flagged()
    dismissed = state.on_decision(decide(flag, DecisionKind.DISMISS, reason=DismissReason.HUMOUR), at(46))
    undone = state.on_decision(decide(flag, DecisionKind.UNDO, "d2", undoes="d1"), at(47))
    states = [
        message.state
        for answer in (dismissed, undone)
        for message in answer.effects.messages
        if isinstance(message, DecisionMade)
    ]
    assert states == [FlagState.DISMISSED, FlagState.NEW]
    assert len(only_flag(state).decisions) == 2
    again = state.on_decision(decide(flag, DecisionKind.UNDO, "d3", undoes="d1"), at(48))
    assert "undone already" in again.warning


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (decide("no-such-flag", DecisionKind.KEEP), 404),
        (decide("FLAG", DecisionKind.DISMISS), 400),
        (decide("FLAG", DecisionKind.TELL_CHAIR), 400),
        (decide("FLAG", DecisionKind.UNDO, undoes="d77"), 409),
    ],
)
def test_a_decision_that_can_mean_nothing_is_refused(request_: DecisionRequest, status: int) -> None:
    """Unknown flag, missing reason or words, nothing to undo."""
    state, flag = flagged()
    if request_.flag == "FLAG":
        request_ = msgspec.structs.replace(request_, flag=flag)
    with pytest.raises(Refused) as refused:
        state.on_decision(request_, at(46))
    assert refused.value.status == status
    assert only_flag(state).decisions == ()


def test_the_chair_can_only_have_seen_what_they_were_told() -> None:
    """Pressing again changes nothing; a new telling is unseen."""
    state, flag = flagged()
    with pytest.raises(Refused):
        state.on_chair_seen(flag, at(46))
    state.on_decision(decide(flag, DecisionKind.TELL_CHAIR, words="Please, colleagues."), at(46))
    assert kinds(state.on_chair_seen(flag, at(47)).entries) == ["ChairSaw"]
    assert state.on_chair_seen(flag, at(48)).entries == []
    assert only_flag(state).seen_by_chair_at == at(47)
    state.on_decision(decide(flag, DecisionKind.UNDO, "d2", undoes="d1"), at(49))
    with pytest.raises(Refused):
        state.on_chair_seen(flag, at(49))
    state.on_decision(decide(flag, DecisionKind.TELL_CHAIR, "d3", words="Again, please."), at(50))
    assert only_flag(state).seen_by_chair_at is None


# ------------------------------------------------------------------------------------------------ faults, feeds


def test_a_rule_that_fails_costs_neither_the_post_nor_its_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence first: the post is written down, the failure counted, the flags it had stay."""
    state, flag = flagged()

    def fail(*_: object) -> None:
        raise RecursionError("a rule went astray")

    monkeypatch.setattr(state._judge, "judge", fail)
    effects = state.on_event(seen(2, 46), at(46))
    state.on_mark(mark("m3", MarkKind.PUBLIC_EXCLUDED, 47, supersedes="m2"), at(50))
    settle(state, at(50))
    assert kinds(effects.entries) == ["PostCaptured"]
    assert only_flag(state).flag.id == flag
    assert only_flag(state).cleared is None
    assert [(fault.source, fault.count) for fault in state.sources.faults] == [("judging", 3)]


def test_only_a_change_of_condition_is_journaled() -> None:
    """Signs of life are told now and then, and leave no entry."""
    state = fresh()
    live = SourceState(name="bluesky", condition=SourceCondition.LIVE, since=at(0))
    assert kinds(state.sources.on_state(live).entries) == ["SourceReported"]
    later = msgspec.structs.replace(live, last_sign=at(1))
    assert state.sources.on_state(later).messages == []
    assert len(state.sources.news().messages) == 1
    assert state.sources.news().messages == []


def test_an_outsiders_key_is_not_a_members() -> None:
    """Whose post it is rests on the network's id, not on a look-alike handle elsewhere."""
    state = fresh()
    stranger = Post(
        network="elsewhere",
        id="1",
        author=msgspec.structs.replace(BRENNAN, id="other"),
        text=HARMLESS,
        observed_at=at(35),
    )
    assert state.on_event(Seen(stranger), at(35)).entries == []
    assert PostKey("elsewhere", "1") not in state.written()


def test_versions_seen_at_the_same_instant_are_both_taken_in_and_recovered_from() -> None:
    """A feed that is visited now and then shows an edit the moment it shows the post."""
    state, recovered = fresh(), fresh()
    first = state.on_event(Seen(post(1, 40, version="a")), at(41))
    second = state.on_event(Edited(post(1, 40, version="b")), at(41))
    for entry in [*first.entries, *second.entries]:
        recovered.recover(entry)
    recovered.recovered()
    assert kinds(first.entries) == kinds(second.entries) == ["PostCaptured"]
    assert recovered.written() == (post(1, 40).key,)
