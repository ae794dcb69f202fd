"""What following X has cost so far, and whether it may cost more. Pure.

X charges for each post and each account that it sends, once per UTC day. What was read is counted from its answers, so
the sum is what X will ask at most; it stands beside the cursor, so that a restart does not begin the count anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

MILLS_A_POST = 5
MILLS_AN_ACCOUNT = 10
"""Prices in thousandths of a US dollar, as published in 2026."""

CAP = 5.0
"""US dollars that one meeting may cost when its file does not say."""

_MOST_REMEMBERED = 100_000


class Spend:
    """The count of one meeting. ``cap`` is in US dollars."""

    def __init__(self, cap: float | None) -> None:
        self.cap = round((CAP if cap is None else cap) * 1000)
        self.spent = 0
        self.posts = 0
        self._paid: set[tuple[date, str, str]] = set()

    @property
    def exhausted(self) -> bool:
        """Whether not even one more post, by an account that is new, can be paid for."""
        return self.affordable < 1

    @property
    def affordable(self) -> int:
        """How many more posts can be paid for, if each had an author not met before."""
        return max(0, self.cap - self.spent) // (MILLS_A_POST + MILLS_AN_ACCOUNT)

    def read(self, day: date, posts: Iterable[str], accounts: Iterable[str]) -> None:
        """Count what X sent, by their ids, on a UTC day; what was paid for that day already costs nothing."""
        if len(self._paid) > _MOST_REMEMBERED:
            self._paid.clear()
        for kind, ids, price in (("post", posts, MILLS_A_POST), ("account", accounts, MILLS_AN_ACCOUNT)):
            for one in ids:
                if (day, kind, one) not in self._paid:
                    self._paid.add((day, kind, one))
                    self.spent += price
                    self.posts += kind == "post"

    def resume(self, spent: int) -> None:
        """Take in what had been spent before a restart, in thousandths of a dollar."""
        self.spent = max(self.spent, spent)

    def __str__(self) -> str:
        return f"${self.spent / 1000:.2f} of ${self.cap / 1000:.2f} spent at most"
