"""What goes wrong in a rehearsal, planned beforehand and repeatable: for tests, and for practising a bad evening."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """One thing that goes wrong around one message. The message itself is always still to be had.

    =============  ====================================================================================
    ``drop``       the TCP connection is cut, with no close frame
    ``going_away`` the server closes with 1001, as Jetstream does when it is restarted
    ``closed``     the server closes with 1000
    ``no_status``  the server closes without a code (1005), which reads as “all is well”
    ``silent``     nothing at all is sent for a while, the connection staying open
    ``garbage``    a frame that is not JSON comes first
    ``truncated``  the message comes cut in half, then whole
    ``bad_utf8``   a text frame that is not UTF-8 comes first
    ``oversized``  a frame larger than any reader should take comes first
    ``duplicate``  the message comes twice
    ``reorder``    the message after it comes before it, if that is at most two seconds later
    =============  ====================================================================================
    """

    DROP = "drop"
    GOING_AWAY = "going_away"
    CLOSED = "closed"
    NO_STATUS = "no_status"
    SILENT = "silent"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    BAD_UTF8 = "bad_utf8"
    OVERSIZED = "oversized"
    DUPLICATE = "duplicate"
    REORDER = "reorder"


class FaultPlan:
    """Which faults happen at which messages of a recording (counted from 0), each once, at whoever is sent it first.

    ``answers`` are HTTP statuses given, in order, to the first attempts to subscribe, instead of a connection.
    ``silence`` is how many seconds of the wall clock ``silent`` lasts, ``size`` how many bytes ``oversized`` has.
    """

    def __init__(
        self,
        faults: Mapping[int, Sequence[Fault]] | None = None,
        *,
        answers: Iterable[int] = (),
        silence: float = 1.0,
        size: int = 3_000_000,
    ) -> None:
        self._waiting = {place: list(those) for place, those in (faults or {}).items()}
        self._answers = list(answers)
        self.silence = silence
        self.size = size
        self.happened: Counter[str] = Counter()

    @classmethod
    def scattered(cls, seed: int, messages: int, count: int, kinds: Sequence[Fault] = tuple(Fault)) -> FaultPlan:
        """``count`` faults of these kinds strewn over a recording of so many messages; the same for the same seed."""
        random = Random(seed)  # noqa: S311  # repeatable on purpose
        faults: dict[int, list[Fault]] = {}
        for _ in range(count):
            faults.setdefault(random.randrange(messages), []).append(random.choice(kinds))
        return cls(faults)

    @property
    def left(self) -> int:
        """How many faults have not happened yet."""
        return sum(map(len, self._waiting.values())) + len(self._answers)

    def waiting_at(self, place: int) -> bool:
        """Whether something is still to go wrong at this message."""
        return bool(self._waiting.get(place))

    def next_at(self, place: int) -> Fault | None:
        """The next fault to commit at this message, which then counts as happened; None when there is none left."""
        waiting = self._waiting.get(place)
        if not waiting:
            return None
        fault = waiting.pop(0)
        self.happened[fault] += 1
        return fault

    def could_not(self, fault: Fault) -> None:
        """Take back that a fault happened: there was no occasion for it."""
        self.happened[fault] -= 1

    def next_answer(self) -> int | None:
        """The HTTP status to turn the next subscriber away with, None to let them in."""
        if not self._answers:
            return None
        answer = self._answers.pop(0)
        self.happened[str(answer)] += 1
        return answer
