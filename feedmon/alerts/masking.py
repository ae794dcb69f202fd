"""Strong language masked for a page that others may glance at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import cached_property

from better_profanity import Profanity

_LONGEST = 300


class Masker:
    """Masks swear words with better-profanity, except the words ``allowed`` (names of people and places).

    That library needs tens of milliseconds a post, so it works in a thread, once for each text.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = sorted({word.casefold() for name in allowed for word in (name, *name.split())})
        self._masked: dict[str, str] = {}

    async def mask(self, text: str) -> str:
        """``text`` on one line, shortened to what fits there, strong words starred out."""
        if text not in self._masked:
            self._masked[text] = await asyncio.to_thread(self._mask, text)
        return self._masked[text]

    def _mask(self, text: str) -> str:
        line = " ".join(text.split())
        if len(line) > _LONGEST:
            line = line[:_LONGEST].rsplit(" ", 1)[0] + " …"
        return str(self._profanity.censor(line))

    @cached_property
    def _profanity(self) -> Profanity:
        profanity = Profanity()
        profanity.load_censor_words(whitelist_words=self._allowed)
        return profanity
