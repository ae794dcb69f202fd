"""What to ask X for: rules of its filtered stream, and queries of its search, from what a meeting follows. Pure.

A rule may have 1,024 characters and a query 512, so what is followed is spread over as many as it takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from feedmon.sources.select import Selection, hashtag_key

LONGEST_RULE = 1_024
LONGEST_QUERY = 512
MOST_RULES = 1_000

TAG = "feedmon"
"""What rules of ours are marked with: an app's rules are shared by all programs that use its token."""

_NO_REPOSTS = " -is:retweet"
_HASHTAG = re.compile(r"\w*[^\W\d]\w*")
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}")
_ID = re.compile(r"[0-9]{1,19}")


class Rule(msgspec.Struct, frozen=True):
    """A rule as X keeps it. ``tag`` is its maker's remark."""

    id: str
    value: str
    tag: str = ""


class Changes(msgspec.Struct, frozen=True):
    """What makes the rules X has into those that are wanted."""

    add: tuple[str, ...]
    delete: tuple[str, ...]


def wanted(selection: Selection, longest: int) -> tuple[str, ...]:
    """The rules or queries, each at most ``longest`` characters, that between them bring what is followed.

    Of the accounts followed everything, reposts too; of everyone else what has a hashtag or mentions such an account
    (an answer mentions whom it answers), but not reposts, which repeat what has come already and cost as much.
    """
    handles = {handle for handle in selection.handles if _HANDLE.fullmatch(handle)}
    ids = {one for one in selection.author_ids if _ID.fullmatch(one)}
    known = {selection.handle_of[one].lower().removeprefix("@") for one in ids if one in selection.handle_of}
    by_them = [f"from:{one}" for one in sorted(ids)] + [f"from:{one}" for one in sorted(handles - known)]
    others = [f"#{tag}" for tag in _tags(selection)] + [f"@{handle}" for handle in sorted(handles)]
    return (*_packed(others, _NO_REPOSTS, longest), *_packed(by_them, "", longest))


def changes(rules: Iterable[Rule], values: Iterable[str]) -> Changes:
    """What to add and which of our own rules to delete. Rules that other programs made are left alone."""
    wanted_values = dict.fromkeys(values)
    kept: set[str] = set()
    delete: list[str] = []
    for rule in rules:
        if rule.tag != TAG:
            continue
        if rule.value in wanted_values and rule.value not in kept:
            kept.add(rule.value)
        else:
            delete.append(rule.id)
    return Changes(tuple(value for value in wanted_values if value not in kept), tuple(delete))


def _tags(selection: Selection) -> list[str]:
    """Hashtags as the meeting file has them and, where it has accents, without them too: X tells them apart."""
    spelt = {tag.lstrip("#＃").lower() for tag in selection.tags_as_written}
    return sorted(tag for tag in spelt | {hashtag_key(tag) for tag in selection.hashtags} if _HASHTAG.fullmatch(tag))


def _packed(terms: Iterable[str], suffix: str, longest: int) -> Iterator[str]:
    """Terms joined with ``OR`` into as few texts of at most ``longest`` characters as their order allows."""
    joined = ""
    for term in terms:
        longer = f"{joined} OR {term}" if joined else term
        if joined and len(longer) + len("()") + len(suffix) > longest:
            yield _closed(joined, suffix)
            longer = term
        joined = longer
    if joined:
        yield _closed(joined, suffix)


def _closed(joined: str, suffix: str) -> str:
    return f"({joined}){suffix}" if suffix and " OR " in joined else f"{joined}{suffix}"
