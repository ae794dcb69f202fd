"""The part of X's query language that rules and searches of a meeting use: hashtags, mentions, authors, reposts.

``#tag``, ``@name``, ``from:name`` or ``from:ID`` and ``is:retweet``; side by side they must all hold, ``OR`` binds less
tightly, ``-`` negates, parentheses group. Tags and names compare without regard to letter case, and accents count.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

_TOKEN = re.compile(r"\s*(\(|\)|OR\b|-?[^\s()]+)")


class Told(msgspec.Struct, frozen=True):
    """What of a post a query can ask about; names and tags in lower case, without their sign."""

    hashtags: frozenset[str]
    mentions: frozenset[str]
    author: frozenset[str]
    repost: bool


Matcher = Callable[[Told], bool]


def matcher(query: str) -> Matcher:
    """Whether a post matches the query. Raises ValueError, saying what is wrong, for what is no such query."""
    tokens = _TOKEN.findall(query)
    if "".join(tokens) != re.sub(r"\s", "", query) or not tokens:
        raise ValueError("no viable alternative at the query's end")
    found, rest = _either(tokens)
    if rest:
        raise ValueError(f"no viable alternative at input '{rest[0]}'")
    return found


def _either(tokens: list[str]) -> tuple[Matcher, list[str]]:
    alternatives: list[Matcher] = []
    while True:
        one, tokens = _all(tokens)
        alternatives.append(one)
        if not tokens or tokens[0] != "OR":
            return (lambda post: any(one(post) for one in alternatives)), tokens
        tokens = tokens[1:]


def _all(tokens: list[str]) -> tuple[Matcher, list[str]]:
    conditions: list[Matcher] = []
    while tokens and tokens[0] not in (")", "OR"):
        one, tokens = _one(tokens)
        conditions.append(one)
    if not conditions:
        raise ValueError("no viable alternative: something is missing beside OR or inside parentheses")
    return (lambda post: all(one(post) for one in conditions)), tokens


def _one(tokens: list[str]) -> tuple[Matcher, list[str]]:
    first, rest = tokens[0], tokens[1:]
    if first == "(":
        inner, rest = _either(rest)
        if not rest or rest[0] != ")":
            raise ValueError("missing ')'")
        return inner, rest[1:]
    if first.startswith("-"):
        negated = _operator(first[1:])
        return (lambda post: not negated(post)), rest
    return _operator(first), rest


def _operator(word: str) -> Matcher:
    value = word.lower()
    if value == "is:retweet":
        return lambda post: post.repost
    if value.startswith("#") and len(value) > 1:
        return lambda post: value[1:] in post.hashtags
    if re.fullmatch(r"@\w{1,15}", value):
        return lambda post: value[1:] in post.mentions
    if re.fullmatch(r"from:\w{1,19}", value):
        return lambda post: value[5:] in post.author
    raise ValueError(f"a rehearsal does not know the operator '{word}'")
