"""From entries to a review: what happened, in the light of all that was known at the end."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from feedmon.model.decisions import DecisionKind, FlagState
from feedmon.model.entries import Entry, FlagRaised, MeetingPrepared, PackOnRecord, Recorded
from feedmon.model.sourcestate import SourceCondition
from feedmon.model.timeline import MarkKind
from feedmon.review import FORMATS, Chain, build, render
from feedmon.review.model import MeetingReview
from tests.journal.samples import NOON
from tests.journal.strategies import entries
from tests.review.evening import EVENING, KIOSK, KIOSK_EDITED, MEETING, PACK, PREPARED, THREAT, at, decision, recorded

CHAIN = Chain(entries=len(EVENING), head="ab" * 32)


def evening() -> MeetingReview:
    return build(recorded(), CHAIN).meetings[0]


def test_flags_are_numbered_as_posts_were_seen_and_told_with_all_that_came_of_them() -> None:
    stories = {story.flag.id: story for story in evening().flags}
    assert [story.number for story in stories.values()] == list(range(1, 8))
    assert stories["f1"].state is FlagState.DISMISSED
    assert stories["f2"].judged_again == 1
    assert stories["f2"].flag.reason == "It calls a member a clown, twice."
    assert [(made.decision.id, made.holds) for made in stories["f2"].decisions] == [
        ("d2", False), ("d3", True), ("d4", True)]  # fmt: skip
    assert stories["f2"].decisions[-1].seen_at == at("20:09", 40)
    assert stories["f3"].cleared == "item 6 was already being taken"
    assert stories["f5"].post == KIOSK
    assert stories["f5"].later_versions == (KIOSK_EDITED,)
    assert stories["f5"].deleted_at == at("20:59")
    assert stories["f7"].member is None
    assert stories["f7"].post == THREAT


def test_an_undo_that_was_itself_taken_back_no_longer_holds() -> None:
    redo = decision(9, "f2", DecisionKind.UNDO, at("20:10"), undoes="d3")
    review = build(recorded([*EVENING, (at("20:10"), redo)]), CHAIN).meetings[0]
    made = next(story for story in review.flags if story.flag.id == "f2").decisions
    assert [(each.decision.id, each.holds) for each in made] == [
        ("d2", True), ("d3", False), ("d4", True), ("d9", True)]  # fmt: skip


def test_quiet_rules_are_counted_and_their_flags_not_shown() -> None:
    review = evening()
    assert "f8" not in {story.flag.id for story in review.flags}
    tally = {each.rule.kind: each.flags for each in review.rules}
    assert tally["profanity"] == 1
    assert tally["off_topic"] == 1, "the cleared one does not count"
    assert tally["personal_data"] == 0


def test_clauses_come_in_the_packs_order_and_only_those_a_rule_looks_after() -> None:
    found = [(each.clause.id, each.flags) for each in evening().clauses]
    assert found == [
        ("5.1.d", (1, 2)), ("5.1.f", (3, 4)), ("5.8", (3, 4)), ("7.2", (7,)), ("8.3", ()), ("8.5.a", (6,)),
        ("8.5.b", (5,))]  # fmt: skip


def test_the_agenda_is_as_taken_after_corrections() -> None:
    review = evening()
    taken = {each.item.number: [(s.start, s.end) for s in each.stretches] for each in review.agenda}
    assert taken["4"] == [(at("19:10"), at("19:42"))]
    assert taken["6"] == [(at("19:42"), at("20:20")), (at("20:30"), at("20:50"))]
    assert [each.item.number for each in review.unlisted] == ["10"]
    assert {each.item.number: each.seconds for each in review.agenda}["6"] == 58 * 60
    assert review.sitting is not None
    assert (review.sitting.start, review.sitting.end) == (at("19:00"), at("21:20"))
    assert [(state.what, state.stretch.start, state.stretch.end) for state in review.room] == [
        (MarkKind.ADJOURNED, at("20:20"), at("20:30")),
        (MarkKind.ASKED_NOT_TO_POST, at("20:51"), at("21:20")),
        (MarkKind.PUBLIC_EXCLUDED, at("20:51"), at("21:20")),
    ]
    marks = {story.mark.id: story for story in review.marks}
    assert (marks["m4"].holds, marks["m4"].replaced_by) == (False, "m5")
    assert (marks["m11"].holds, marks["m11"].replaced_by) == (False, "m12")
    assert marks["m5"].holds


def test_sources_gaps_and_the_time_they_were_followed() -> None:
    """A program that was killed says so, and the time it was in no condition is not invented."""
    review = evening()
    assert [(run.start, run.end, run.why) for run in review.followed] == [
        (at("18:30"), at("20:00"), "the program ended without a word"),
        (at("20:00"), at("22:00"), "the window is over"),
    ]
    (bluesky,) = review.sources
    assert bluesky.seconds == {
        SourceCondition.STARTING: 3,
        SourceCondition.LIVE: (55 * 60 - 2) + 27 * 60 + (2 * 3600 - 1),
        SourceCondition.QUIET: 5 * 60,
        SourceCondition.LOST: 3 * 60,
    }
    assert sum(bluesky.seconds.values()) == 3.5 * 3600
    assert bluesky.last_post == at("19:20")
    assert [(gap.source, gap.filled) for gap in review.gaps] == [("bluesky", True), ("rss", False)]
    assert (review.members_posts, review.public_posts, review.faults[0].count) == (41, 1312, 3)


def test_a_change_between_two_starts_is_told_and_no_flag_is_lost_with_its_pack() -> None:
    review = evening()
    assert not review.changed_while_followed
    other = MeetingPrepared(
        meeting=MEETING, packs=(PackOnRecord(id="dover", title="Dover", hash="1"),), program="feedmon 0.2.0"
    )
    changed = build(recorded([*EVENING, (at("22:10"), other)]), CHAIN).meetings[0]
    assert changed.changed_while_followed
    assert [pack.id for pack in changed.packs] == ["dover", "ventnor"]
    assert len(changed.flags) == 7
    unknown = msgspec.structs.replace(PREPARED, packs=())
    without = build(recorded([(at("18:30"), unknown), *EVENING[1:20]]), CHAIN).meetings[0]
    assert {story.number for story in without.flags} == {n for each in without.clauses for n in each.flags}
    assert [pack.id for pack in without.packs] == ["ventnor"]


def test_erased_contents_are_counted_and_the_rest_is_told() -> None:
    posts_gone = [(when, None if getattr(entry, "post", None) == KIOSK else entry) for when, entry in EVENING]
    review = build(recorded(posts_gone), CHAIN).meetings[0]
    assert review.erased == 1
    assert next(story for story in review.flags if story.flag.id == "f5").post is None
    everything_gone = [(when, None) for when, _ in EVENING]
    assert build(recorded(everything_gone), CHAIN).meetings == ()


def test_a_review_made_while_the_meeting_runs_says_when_its_posts_were_counted() -> None:
    """Posts are counted once a minute, so until following has ended the page says as of when."""
    running = build(recorded(EVENING[:-1]), CHAIN)
    assert running.meetings[0].counted_at is not None
    assert "as counted at" in render(running, "md")
    assert "as counted at" not in render(build(recorded(), CHAIN), "md")


def test_several_meetings_are_told_apart() -> None:
    other = msgspec.structs.replace(PREPARED, meeting=msgspec.structs.replace(MEETING, id="july", title="July"))
    mixed = [*recorded(), Recorded(99, "july", at("22:30"), other)]
    assert [(each.meeting.title, len(each.flags)) for each in build(mixed, CHAIN).meetings] == [
        (MEETING.title, 7), ("July", 0)]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(entries, max_size=12), st.booleans())
def test_whatever_a_journal_holds_can_be_reviewed_in_every_form(some: list[Entry], with_flags: bool) -> None:
    """Any entries in any order after the preparation: a page comes out, and the same page again."""
    pack = PACK if with_flags else msgspec.structs.replace(PACK, rules=())
    prepared = msgspec.structs.replace(PREPARED, packs=(pack,))
    history = [Recorded(1, "m", NOON, prepared), *(Recorded(n, "m", NOON, each) for n, each in enumerate(some, 2))]
    review = build(history, CHAIN)
    assert build(history, CHAIN) == review
    shown = {each.flag.id for each in some if isinstance(each, FlagRaised)}
    assert {story.flag.id for meeting in review.meetings for story in meeting.flags} <= shown
    for form in FORMATS:
        assert render(review, form)
