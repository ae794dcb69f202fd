"""The written corpus is what its README says: well formed, set in one evening, two thirds lawful, two like halves.

These tests judge no rule. They hold the corpus itself to account, so that a figure measured on it can be trusted.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feedmon.model.flags import Severity
from feedmon.model.timeline import Mark, MarkKind, Moment, Phase, Timeline

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "rules" / "example_meeting"
HALVES = ("open", "set_aside")

LEAST_COUNTS = {
    "personal_attack": 90,
    "off_topic": 40,
    "closed_session_post": 30,
    "closed_content_match": 23,
    "media_in_meeting": 12,
    "chair_direction": 8,
    "protected_abuse": 12,
    "threat": 15,
    "personal_data": 18,
    "speaks_for_council": 12,
    "profanity": 10,
    "allegation": 10,
    "predetermination": 6,
    "staff_or_public_comment": 8,
    "private_meeting_report": 8,
}
"""Every kind that may be labelled, and how many posts in both halves together carry it at least."""

Entry = dict[str, Any]


def _half(name: str) -> list[Entry]:
    with (HERE / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _timeline() -> Timeline:
    lines = (HERE / "marks.jsonl").read_text(encoding="utf-8").splitlines()
    return Timeline(msgspec.json.decode(line, type=Mark) for line in lines)


MEETING = tomllib.loads((EXAMPLE / "meeting.toml").read_text(encoding="utf-8"))
MEMBERS = {account["handle"]: member for member in MEETING["member"] for account in member["accounts"]}
OPEN, SET_ASIDE = (_half(name) for name in HALVES)
CORPUS = OPEN + SET_ASIDE
TIMELINE = _timeline()
ITEMS_UP_TO_THE_HEARING = {"1", "2", "3", "4", "5", "6"}


def _at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["post"]["observed_at"])


def _moment(entry: Entry) -> Moment:
    return TIMELINE.moment(_at(entry))


def _kinds(entry: Entry) -> set[str]:
    return {label["kind"] for label in entry["labels"]}


def _handle(entry: Entry) -> str:
    handle: str = entry["post"]["author"]["handle"]
    return handle


def _by_member(entry: Entry) -> bool:
    return _handle(entry) in MEMBERS


def _by_present_member(entry: Entry) -> bool:
    return _by_member(entry) and MEMBERS[_handle(entry)].get("present", True)


def _media(entry: Entry) -> list[dict[str, str]]:
    media: list[dict[str, str]] = entry["post"].get("media", [])
    return media


def _show(entries: list[Entry]) -> str:
    return "\n".join(f"{entry['post']['observed_at']} {_handle(entry)}: {entry['post']['text']}" for entry in entries)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower().replace("’", "").replace("'", ""))


def _shares_run_with_closed_paper(text: str, length: int = 8) -> bool:
    paper = _words((EXAMPLE / "closed" / "item-9.txt").read_text(encoding="utf-8"))
    runs = {tuple(paper[start : start + length]) for start in range(len(paper) - length + 1)}
    words = _words(text)
    return any(tuple(words[start : start + length]) in runs for start in range(len(words) - length + 1))


def test_every_line_has_the_agreed_shape() -> None:
    """Post, sort and labels always; arguable kinds only beside a label; only known kinds and severities."""
    for entry in CORPUS:
        assert {"post", "sort", "labels"} <= entry.keys() <= {"post", "sort", "labels", "arguable"}
        assert {"id", "observed_at", "network", "author", "text"} <= entry["post"].keys()
        assert entry["post"]["network"] == "bluesky"
        assert entry["post"]["id"].startswith(f"at://{entry['post']['author']['id']}/app.bsky.feed.post/")
        assert _handle(entry).endswith(".example")
        assert entry["sort"]
        for label in entry["labels"]:
            assert label.keys() == {"kind", "least", "why"}
            assert label["kind"] in LEAST_COUNTS
            assert Severity(label["least"])
            assert label["why"]
        kinds = [label["kind"] for label in entry["labels"]]
        assert len(kinds) == len(set(kinds))
        arguable = entry.get("arguable", [])
        assert not arguable or kinds, "a lawful post has nothing arguable about it"
        assert not set(arguable) & set(kinds)
        assert set(arguable) <= LEAST_COUNTS.keys()


def test_no_post_comes_twice() -> None:
    """Ids are unique over both halves, and so is each author's text."""
    assert len({entry["post"]["id"] for entry in CORPUS}) == len(CORPUS)
    assert len({(_handle(entry), entry["post"]["text"].casefold()) for entry in CORPUS}) == len(CORPUS)


def test_texts_fit_the_network_and_vary_in_length() -> None:
    """Nothing over 300 characters, and both one-liners and full-length posts among them."""
    lengths = sorted(len(entry["post"]["text"]) for entry in CORPUS)
    assert lengths[0] > 0
    assert lengths[-1] <= 300
    assert sum(length < 40 for length in lengths) > 30
    assert sum(length > 180 for length in lengths) > 30


def test_mentions_are_what_the_text_says() -> None:
    """A post's mentions are the handles written in it, so that a target is never hidden in the set-up."""
    for entry in CORPUS:
        written = re.findall(r"(?<![\w@])@([\w-]+(?:\.[\w-]+)*\.example)", entry["post"]["text"])
        told = [target["handle"] for target in entry["post"].get("mentions", [])]
        assert told == list(dict.fromkeys(written))


def test_members_wear_their_roster_ids() -> None:
    """Wherever a member appears, handle and network id are those of the roster."""
    for entry in CORPUS:
        post = entry["post"]
        people = [post["author"], *post.get("mentions", [])]
        people += [post[role] for role in ("reply_to", "quote", "repost_of") if role in post]
        for person in people:
            if person["handle"] in MEMBERS:
                assert person["id"] == MEMBERS[person["handle"]]["accounts"][0]["id"]


def test_marks_tell_one_whole_evening() -> None:
    """The marks open and close the meeting, take every item of the agenda in order, and announce no outcome."""
    taken = [mark.item for mark in TIMELINE.marks if mark.kind is MarkKind.ITEM_STARTED]
    assert taken == [item["number"] for item in MEETING["item"]]
    kinds = Counter(mark.kind for mark in TIMELINE.marks)
    assert TIMELINE.marks[0].kind is MarkKind.OPENED
    assert TIMELINE.marks[-1].kind is MarkKind.CLOSED
    assert kinds[MarkKind.OUTCOME_ANNOUNCED] == 0
    for begins, ends in (
        (MarkKind.ADJOURNED, MarkKind.RESUMED),
        (MarkKind.PUBLIC_EXCLUDED, MarkKind.PUBLIC_READMITTED),
        (MarkKind.RECORDING_SUSPENDED, MarkKind.RECORDING_RESUMED),
        (MarkKind.ASKED_NOT_TO_POST, MarkKind.POSTING_ALLOWED),
    ):
        assert kinds[begins] == kinds[ends] == 1


def test_posts_fall_inside_the_window_and_clear_of_the_marks() -> None:
    """Every post is in the window, in the file's time order, and not within 15 seconds of a mark."""
    window = MEETING["window"]
    edges = [mark.at for mark in TIMELINE.marks]
    for half in (OPEN, SET_ASIDE):
        times = [_at(entry) for entry in half]
        assert times == sorted(times)
        for at in times:
            assert window["starts"] <= at.replace(tzinfo=None) < window["stops"]
            assert min(abs((at - edge).total_seconds()) for edge in edges) >= 15


def test_the_public_is_only_ever_labelled_for_threats() -> None:
    """Only rostered members are bound; a resident's or the council's own post carries no other kind."""
    assert not _show([entry for entry in CORPUS if not _by_member(entry) and _kinds(entry) - {"threat"}])
    assert any("threat" in _kinds(entry) for entry in CORPUS if _by_member(entry))


def test_labels_about_the_room_agree_with_the_marks() -> None:
    """A label that rests on what the room was doing is only given where the marks say so."""
    wrong = []
    for entry in CORPUS:
        kinds, moment, present = _kinds(entry), _moment(entry), _by_present_member(entry)
        open_session = moment.phase is Phase.IN_SESSION and not moment.public_excluded
        if "closed_session_post" in kinds and not (present and moment.closed_session):
            wrong.append(entry)
        if "chair_direction" in kinds and not (present and moment.asked_not_to_post):
            wrong.append(entry)
        if "media_in_meeting" in kinds and not (present and _media(entry) and moment.phase is Phase.IN_SESSION):
            wrong.append(entry)
        if "off_topic" in kinds and not (present and open_session and "reply_to" not in entry["post"]):
            wrong.append(entry)
        if "predetermination" in kinds and not (present and (moment.item or "not sitting") in ITEMS_UP_TO_THE_HEARING):
            wrong.append(entry)
    assert not wrong, _show(wrong)


def test_media_weighs_more_when_recording_is_not_allowed() -> None:
    """Media in closed or suspended session is labelled a warning, in open session a notice."""
    for entry in CORPUS:
        for label in entry["labels"]:
            if label["kind"] == "media_in_meeting":
                moment = _moment(entry)
                forbidden = moment.public_excluded or moment.recording_suspended
                assert label["least"] == ("warning" if forbidden else "notice"), _show([entry])


def test_lawful_posts_are_lawful_by_the_marks_too() -> None:
    """No unlabelled post breaks a rule that needs no reading of the text at all."""
    wrong = []
    for entry in CORPUS:
        if entry["labels"] or not _by_present_member(entry):
            continue
        moment = _moment(entry)
        if moment.closed_session and entry["sort"] != "process note":
            wrong.append(entry)
        if moment.asked_not_to_post:
            wrong.append(entry)
        if _media(entry) and (moment.public_excluded or moment.recording_suspended):
            wrong.append(entry)
    assert not wrong, _show(wrong)


def test_present_members_posts_in_closed_session_are_labelled_or_process_notes() -> None:
    """In closed session a present member either reports the session or says only that it is private."""
    for entry in CORPUS:
        if _by_present_member(entry) and _moment(entry).closed_session:
            assert ("closed_session_post" in _kinds(entry)) != (entry["sort"] == "process note"), _show([entry])


def test_only_leaks_copy_the_closed_paper() -> None:
    """A run of eight words of the closed paper stands in every verbatim leak and in no other post."""
    for entry in CORPUS:
        copied = _shares_run_with_closed_paper(entry["post"]["text"])
        assert copied == (entry["sort"] == "leak verbatim"), _show([entry])


def test_phone_numbers_are_from_the_fictional_ranges() -> None:
    """Whatever reads as a telephone number is one kept for fiction, so that nobody can be rung."""
    for entry in CORPUS:
        text = entry["post"]["text"].translate(str.maketrans("oO", "00"))
        for number in re.findall(r"\b0\d{3,4}[ -]?\d{3}[ -]?\d{3}\b", text):
            assert re.sub(r"\D", "", number).startswith(("01632960", "07700900")), number


@pytest.mark.parametrize("half", [OPEN, SET_ASIDE], ids=HALVES)
def test_two_thirds_of_each_half_are_lawful(half: list[Entry]) -> None:
    """At least 320 posts in each half, and two of three carry no label."""
    lawful = sum(not entry["labels"] for entry in half)
    assert len(half) >= 320
    assert 0.66 <= lawful / len(half) <= 0.70


def test_most_lawful_posts_are_by_members() -> None:
    """Members are the ones bound: a quiet tool must be quiet about them, not only about residents."""
    lawful = [entry for entry in CORPUS if not entry["labels"]]
    assert sum(_by_member(entry) for entry in lawful) / len(lawful) >= 0.7


def test_halves_have_the_same_make_up() -> None:
    """Sizes, sorts and kinds are dealt evenly over the two halves."""
    assert abs(len(OPEN) - len(SET_ASIDE)) <= 1
    first, second = (Counter(entry["sort"] for entry in half) for half in (OPEN, SET_ASIDE))
    assert {sort: first[sort] - second[sort] for sort in first | second if abs(first[sort] - second[sort]) > 1} == {}
    first, second = (Counter(kind for entry in half for kind in _kinds(entry)) for half in (OPEN, SET_ASIDE))
    assert {kind: first[kind] - second[kind] for kind in first | second if abs(first[kind] - second[kind]) > 3} == {}


def test_there_is_enough_of_every_kind() -> None:
    """Each kind has enough posts for a recall figure to mean something."""
    counts = Counter(kind for entry in CORPUS for kind in _kinds(entry))
    assert {kind: counts[kind] for kind, least in LEAST_COUNTS.items() if counts[kind] < least} == {}


def test_breaches_and_targets_are_spread_over_the_members() -> None:
    """No one member writes more than a quarter of the breaches, and every member writes lawful posts as well."""
    breaches = Counter(_handle(entry) for entry in CORPUS if entry["labels"] and _by_member(entry))
    lawful = Counter(_handle(entry) for entry in CORPUS if not entry["labels"] and _by_member(entry))
    assert set(breaches) == set(lawful) == set(MEMBERS)
    assert max(breaches.values()) <= breaches.total() / 4
