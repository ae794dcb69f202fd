"""Judging a post: whom rules bind, when they apply, how severe, and that the same question gets the same answer."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedmon.judgement.checks import CHECKS
from feedmon.judgement.examples import stage
from feedmon.judgement.judge import Judge
from feedmon.judgement.packs import As, During, Example
from feedmon.model.flags import Basis, Severity
from feedmon.model.posts import MediaKind


def flags(judge: Judge, text: str, pack: str = "ventnor", **setting: object) -> dict[str, Severity]:
    """What one pack's rules raise on a post: kind → severity."""
    example = Example(text=text, **setting)  # type: ignore[arg-type]
    staged = stage(example, judge.meeting)
    at = staged.post.observed_at
    judged = judge.judge(staged.post, staged.timeline.moment(at), at)
    return {flag.kind: flag.severity for flag in judged.flags if flag.pack == pack}


INSULT = "Cllr Oldroyd is an absolute muppet"


def test_a_member_is_bound_and_one_of_the_public_is_not(judge) -> None:
    assert flags(judge, INSULT) == {"personal_attack": Severity.WARNING}
    assert flags(judge, INSULT, author=As.PUBLIC) == {}


def test_anyones_threat_to_a_member_is_flagged_but_not_the_publics_quarrels(judge) -> None:
    threat = "I know where you live Cllr Oldroyd and I'm coming round"
    assert "threat" in flags(judge, threat, "neddc", author=As.PUBLIC)
    assert "threat" not in flags(judge, "I know where you live mate", "neddc", author=As.PUBLIC)


def test_what_the_agenda_prints_never_closes_the_room(judge) -> None:
    """Only the clerk's mark does: a post on the closed item, with nobody excluded, is no closed-session post."""
    text = "Now the kiosk, and I shall speak for the tenant."
    assert "closed_session_post" not in flags(judge, text, during=During.OPEN, item="9")
    assert "closed_session_post" in flags(judge, text, during=During.CLOSED, item="9")


def test_an_absent_members_post_is_neither_off_topic_nor_in_closed_session(judge) -> None:
    football = "Hat trick for Rovers before half time!!"
    assert "off_topic" in flags(judge, football)
    assert "off_topic" not in flags(judge, football, author=As.ABSENT_MEMBER)
    assert flags(judge, football, author=As.ABSENT_MEMBER, during=During.CLOSED) == {}


def test_a_break_is_a_break(judge) -> None:
    assert flags(judge, "Hat trick for Rovers before half time!!", during=During.ADJOURNED) == {}


def test_a_sealed_papers_words_are_critical_and_stop_counting_once_the_outcome_is_announced(judge) -> None:
    leak = "The Gannet Coffee Company offered £11,750 a year for ten years, with a break after five"
    staged = stage(Example(text=leak, during=During.CLOSED), judge.meeting)
    at = staged.post.observed_at
    moment = staged.timeline.moment(at)
    found = {f.kind: f for f in judge.judge(staged.post, moment, at).flags if f.pack == "ventnor"}
    assert found["closed_content_match"].severity is Severity.CRITICAL
    assert found["closed_content_match"].basis is Basis.FACT
    public = msgspec.structs.replace(moment, public_excluded=False, public_items=moment.public_items | {"9"})
    assert "closed_content_match" not in {f.kind for f in judge.judge(staged.post, public, at).flags}


def test_a_reading_alone_never_goes_above_warning(judge, packs) -> None:
    loud = [
        msgspec.structs.replace(
            pack, rules=tuple(msgspec.structs.replace(rule, severity=Severity.CRITICAL) for rule in pack.rules)
        )
        for pack in packs
    ]
    stern = Judge(judge.meeting, loud)
    assert flags(stern, INSULT)["personal_attack"] is Severity.WARNING


def test_a_picture_in_closed_session_is_a_warning_and_one_of_a_poster_in_the_open_is_nothing(judge) -> None:
    picture = {"media": (MediaKind.IMAGE,)}
    assert flags(judge, "Well then", "neddc", during=During.CLOSED, **picture)["media_in_meeting"] is Severity.WARNING
    assert "media_in_meeting" not in flags(judge, "Fete poster", "neddc", alt="poster for the fete", **picture)


def test_judging_again_names_the_same_flag_and_an_edit_another(judge) -> None:
    staged = stage(Example(text=INSULT), judge.meeting)
    at = staged.post.observed_at
    moment = staged.timeline.moment(at)
    first = judge.judge(staged.post, moment, at).flags
    again = judge.judge(staged.post, moment, at + timedelta(hours=1)).flags
    assert [f.id for f in first] == [f.id for f in again]
    edited = msgspec.structs.replace(staged.post, version="two")
    assert not {f.id for f in first} & {f.id for f in judge.judge(edited, moment, at).flags}


def test_every_flag_explains_itself(judge) -> None:
    staged = stage(Example(text=INSULT + " and then some"), judge.meeting)
    at = staged.post.observed_at
    for flag in judge.judge(staged.post, staged.timeline.moment(at), at).flags:
        assert flag.steps
        assert all(step.held for step in flag.steps if step.condition.startswith("the author"))
        assert flag.reason
        assert flag.passes_if
        assert flag.clauses
        for span in flag.spans:
            assert staged.post.text[span.start : span.end]


def test_hard_text_is_judged_without_complaint_and_spans_stay_inside(judge) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.text(max_size=300), st.sampled_from(list(During)))
    def holds(text: str, during: During) -> None:
        staged = stage(Example(text=text, during=during, media=(MediaKind.IMAGE,)), judge.meeting)
        at = staged.post.observed_at
        for flag in judge.judge(staged.post, staged.timeline.moment(at), at).flags:
            assert all(0 <= span.start < span.end <= len(text) for span in flag.spans)

    holds()


def test_ten_megabytes_are_judged_by_their_beginning(judge) -> None:
    assert flags(judge, INSULT + " blah" * 2_000_000) == {"personal_attack": Severity.WARNING}


@pytest.mark.parametrize(
    "text",
    [
        "This budget is a disgrace and the Leader should be ashamed of the decision",
        "Another council meeting, what a waste of time",
        "What a clown show of a policy",
        "Oldroyd's plan is idiotic",
        "Nobody is calling Cllr Oldroyd a clown",
        "Cllr Oldroyd called me a muppet. Charming.",
        "A resident just shouted “clown!” at Cllr Oldroyd. Please don't.",
        "I'm an idiot, I left the agenda at home. Sorry Cllr Oldroyd",
        "Only a fool would vote for this, and Cllr Oldroyd is no fool",
        "The member must withdraw the word muppet and apologise to Cllr Oldroyd",
        "Dick is right about the car park",
    ],
)
def test_fair_speech_passes(judge, text) -> None:
    assert "personal_attack" not in flags(judge, text)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("You absolute numpty", {"reply_to": As.OTHER_MEMBER}),
        ("What a plonker.", {"quote": As.OTHER_MEMBER}),
        ("That clown Oldroyd again", {}),
        ("Oldroyd in the green coat is a prize idiot", {}),
        ("Our so-called Leader is a jumped-up little twerp", {}),
        ("Heard from Cllr Oldroyd on drains. Total muppet.", {}),
        ("@oldroyd.example u r a c l o w n", {}),
        ("oldroyd is a w4nker", {}),
        ("Graham's a numpty and everyone knows it", {}),
    ],
)
def test_an_insult_finds_its_target(judge, text, setting) -> None:
    assert flags(judge, text, **setting)["personal_attack"] is Severity.WARNING


def test_a_rule_that_fails_costs_the_post_no_other_rule(judge, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by design")

    monkeypatch.setitem(CHECKS, "profanity", CHECKS["profanity"]._replace(check=broken))
    staged = stage(Example(text=INSULT), judge.meeting)
    at = staged.post.observed_at
    judged = judge.judge(staged.post, staged.timeline.moment(at), at)
    assert "personal_attack" in {flag.kind for flag in judged.flags}
    assert {tried.rule.kind for tried in judged.tried if tried.failure} == {"profanity"}
