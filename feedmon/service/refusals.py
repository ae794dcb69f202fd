"""What cannot be done, said so that a person can mend it."""

from __future__ import annotations

from feedmon.wire import Refusal


class Refused(Exception):
    """A request that is answered with a :class:`Refusal` and this HTTP status."""

    def __init__(self, status: int, error: str, mend: str = "") -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.refusal = Refusal(error=error, mend=mend)
