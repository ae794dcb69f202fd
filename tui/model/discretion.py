"""What the screen keeps to itself until it is asked: strong words, closed items' titles, and, on one key, everything.

A desk often stands where others see it, beside a projector even. So the words for which a post was flagged as abuse
or profanity are covered, and the service's sentences that repeat them, and the titles of items the agenda prints as
closed. Asked for, they are shown for the flag under the cursor, and covered again when the cursor goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from feedmon.wire import FlagView, Meeting, Span, Step

STRONG = frozenset({"personal_attack", "protected_abuse", "threat", "profanity", "offensive_content"})
"""The kinds of rule whose matched words are covered."""

CLOSED_ITEM = "closed item"
"""What stands for the title of an item that is printed as closed."""

_QUOTED = re.compile(r"“[^“”]*”")
_LETTER = re.compile(r"\S")

Cover = Callable[[str], str]
"""What is shown instead of some words."""


def dotted(words: str) -> str:
    """A dot for each letter, so that whatever comes after stays in its place."""
    return _LETTER.sub("•", words)


class Discretion:
    """What is covered now.

    ``on`` is False at a desk that covers nothing; ``blank`` is True while the screen shows only calm.
    """

    def __init__(self, on: bool = True, cover: Cover = dotted) -> None:
        self.on = on
        self.blank = False
        self._cover = cover
        self._lifted = False
        self._for: str | None = None

    @property
    def lifted(self) -> bool:
        """Whether what is covered was asked for."""
        return self._lifted

    def covers(self, flag_id: str | None) -> bool:
        """Whether this flag's strong words, or for None the closed items' titles, are covered."""
        return self.on and not (self._lifted and flag_id in (None, self._for))

    def ask(self, flag_id: str | None) -> None:
        """Show what is covered, for the flag under the cursor; or cover it again."""
        self._lifted, self._for = not self._lifted, flag_id

    def settle(self, flag_id: str | None) -> None:
        """The cursor is on this flag now: what was shown for another is covered again."""
        if flag_id != self._for:
            self._lifted, self._for = False, flag_id

    def meeting(self, meeting: Meeting) -> Meeting:
        """The meeting, without the titles of items that are printed as closed."""
        items = tuple(
            msgspec.structs.replace(item, title=CLOSED_ITEM) if item.closed else item for item in meeting.items
        )
        return msgspec.structs.replace(meeting, items=items)

    def view(self, view: FlagView, strong: Sequence[Span], meeting: Meeting) -> FlagView:
        """The flag, its post's ``strong`` words covered wherever they stand, and the titles of closed items."""
        post, flag = view.post, view.flag
        quoted = {post.text[max(span.start, 0) : max(span.end, 0)].strip() for span in strong} - {""}
        words = _any_of(quoted) if quoted else None
        titles = [item.title for item in meeting.items if item.closed and item.title]

        def open_titles(told: str) -> str:
            for title in titles:
                told = told.replace(title, CLOSED_ITEM)
            return told

        def sentence(told: str) -> str:
            told = open_titles(told)
            if words is None:
                return told
            told = _QUOTED.sub(lambda found: f"“{self._cover(found[0][1:-1])}”", told)
            return words.sub(lambda found: self._cover(found[0]), told)

        covered = msgspec.structs.replace(
            flag,
            reason=sentence(flag.reason),
            passes_if=sentence(flag.passes_if),
            steps=tuple(Step(sentence(step.condition), step.held, sentence(step.detail)) for step in flag.steps),
        )
        return msgspec.structs.replace(
            view,
            flag=covered,
            post=msgspec.structs.replace(post, text=self._text(post.text, strong, words)),
            cleared=open_titles(view.cleared) if view.cleared is not None else None,
        )

    def _text(self, text: str, strong: Sequence[Span], words: re.Pattern[str] | None) -> str:
        """The post, its strong words covered where they matched and wherever else they stand."""
        again = [Span(*found.span()) for found in words.finditer(text)] if words else []
        pieces, upto = [], 0
        for span in _merged([*strong, *again], len(text)):
            pieces += [text[upto : span.start], self._cover(text[span.start : span.end])]
            upto = span.end
        return "".join([*pieces, text[upto:]])


def _any_of(quoted: Iterable[str]) -> re.Pattern[str]:
    """Any of these words, standing by themselves, in large letters or small; the longest where several fit."""
    either = "|".join(re.escape(words) for words in sorted(quoted, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


def _merged(spans: Iterable[Span], length: int) -> list[Span]:
    """The spans in order, cut to what there is, none touching another."""
    merged: list[Span] = []
    for span in sorted(spans):
        start, end = max(span.start, 0), min(span.end, length)
        if start >= end:
            continue
        if merged and start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, end))
        else:
            merged.append(Span(start, end))
    return merged
