"""Even-handedness: who is spoken of, and in whose voice, makes no difference to what is flagged.

The written corpus is judged again with members' names, parties, wards and genders swapped. Each rule runs on every
member alike, so the same kinds must be raised on the same posts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from feedmon.documents.neutral import read_marks
from feedmon.judgement.judge import Judge
from feedmon.model.flags import Severity
from feedmon.model.posts import Author, Post, Target
from feedmon.model.timeline import Timeline
from tests.bench.quality import CORPUS, read_corpus

NAMES = {
    "Graham": "Aoife", "Oldroyd": "Brennan", "Priya": "Helen", "Sandhu": "Marchbanks",
    "oldroyd.example": "aoifebrennan.example", "priyasandhu.example": "marchbanks.example",
    "did:plc:oldroyd": "did:plc:brennan", "did:plc:sandhu": "did:plc:marchbanks",
}  # fmt: skip
PARTIES = {"Labour": "Conservative", "Tory": "Lib Dem", "Tories": "Greens"}
WARDS = {"Quayside": "Pennyfold"}
GENDERS = {"he": "she", "him": "her", "his": "her", "man": "woman", "bloke": "lady", "lad": "lass", "Mr": "Mrs"}


def swapped(pairs: dict[str, str]) -> Callable[[str], str]:
    """A function that swaps words for their counterparts, both ways, keeping a first capital."""
    both = {**{b: a for a, b in pairs.items()}, **pairs}
    both.update({key.lower(): value.lower() for key, value in list(both.items())})
    pattern = re.compile(r"(?<![\w.])(" + "|".join(sorted(map(re.escape, both), key=len, reverse=True)) + r")(?!\w)")

    def swap(text: str) -> str:
        return pattern.sub(lambda match: both[match.group()], text)

    return swap


def recast(post: Post, swap: Callable[[str], str]) -> Post:
    """A post with its words, its author and everyone it speaks to swapped."""

    def person(target: Target | None) -> Target | None:
        return target and Target(target.handle and swap(target.handle), target.id and swap(target.id), target.post)

    author = Author(swap(post.author.handle), post.author.id and swap(post.author.id), swap(post.author.name))
    return msgspec.structs.replace(
        post,
        text=swap(post.text),
        author=author,
        reply_to=person(post.reply_to),
        quote=person(post.quote),
        repost_of=person(post.repost_of),
        mentions=tuple(filter(None, map(person, post.mentions))),
    )


def kinds(judge: Judge, timeline: Timeline, post: Post) -> set[str]:
    judged = judge.judge(post, timeline.moment(post.observed_at), post.observed_at)
    return {flag.kind for flag in judged.flags if flag.severity is not Severity.INFO}


@pytest.mark.parametrize(("what", "most_changed"), [("names", 0), ("parties", 0), ("wards", 0), ("genders", 0.01)])
def test_swapping_who_is_meant_changes_nothing_that_is_flagged(judge, what, most_changed) -> None:
    """Only gendered words themselves (“silly cow”) may make a difference, and those hardly ever."""
    swap = swapped({"names": NAMES, "parties": PARTIES, "wards": WARDS, "genders": GENDERS}[what])
    timeline = Timeline(read_marks(Path(CORPUS / "marks.jsonl")))
    posts = [labelled.post for labelled in read_corpus(CORPUS / "open.jsonl")]
    changed = [
        (post.text, before, after)
        for post in posts
        if (before := kinds(judge, timeline, post)) != (after := kinds(judge, timeline, recast(post, swap)))
    ]
    assert len(changed) <= most_changed * len(posts), changed


def test_every_rule_asks_every_member_the_same(judge) -> None:
    """The same words from each member present are put to the same rules, with the same answer."""
    timeline = Timeline(read_marks(Path(CORPUS / "marks.jsonl")))
    template = next(x.post for x in read_corpus(CORPUS / "open.jsonl") if "personal_attack" in x.kinds)
    answers = set()
    for member in judge.meeting.members:
        if not member.present:
            continue
        (account,) = member.accounts
        text = "The clerk is a complete muppet and so is the planning officer"
        post = msgspec.structs.replace(
            template, author=Author(account.handle, account.id), text=text, reply_to=None, quote=None, mentions=()
        )
        judged = judge.judge(post, timeline.moment(post.observed_at), post.observed_at)
        answers.add(tuple((tried.rule.id, tried.flag is not None) for tried in judged.tried))
    assert len(answers) == 1
