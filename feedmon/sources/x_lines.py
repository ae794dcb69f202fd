"""Lines out of a body that never ends. A line too long to be honest is passed over, and said to have been one."""

from __future__ import annotations

import aiohttp

LONGEST = 1_000_000
"""Bytes of a line beyond which it is not kept; a post is a few thousand."""

TOO_LARGE = b"too large"
"""What stands (by identity) for a line that was longer than :data:`LONGEST`."""


class Lines:
    """The lines of a stream, without their ends."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content
        self._rest = bytearray()
        self._passing_over = False

    async def next(self) -> bytes | None:
        """The next line (empty for a sign of life), :data:`TOO_LARGE` for one too long, None when the stream has ended.

        May be given up and called again. Raises what aiohttp does when the connection breaks.
        """
        searched = 0
        while True:
            end = self._rest.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._rest[:end]).rstrip(b"\r")
                del self._rest[: end + 1]
                if self._passing_over or len(line) > LONGEST:
                    self._passing_over = False
                    return TOO_LARGE
                return line.strip()
            searched = len(self._rest)
            if searched > LONGEST:
                self._passing_over = True
                self._rest.clear()
                searched = 0
            some = await self._content.readany()
            if not some:
                return None
            self._rest += some
