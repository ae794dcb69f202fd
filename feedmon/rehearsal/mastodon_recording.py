"""A recording of a Mastodon stream: JSON lines, each an envelope as the streaming socket sent it.

What was found by asking stands under the stream ``asked``; when it is played, the socket does not bring it either.
An envelope tells no time of its own: an update is played at its status's ``created_at``, an edit at its
``edited_at``, a deletion with what stands before it; and nothing before what was recorded earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from feedmon.model.instants import Instant, from_micros, to_micros
from feedmon.model.problems import BadInput, Problem
from feedmon.rehearsal.mastodon_store import Status

_MOST_TOLD = 20


class Act(msgspec.Struct, frozen=True):
    """Something that happens on the server: an event about the status of this number, played at ``due`` (microseconds).

    ``streamed`` False: the socket does not bring it.
    """

    due: int
    event: str
    number: str
    payload: str
    status: Status | None = None
    streamed: bool = True


class MastodonRecording(msgspec.Struct, frozen=True):
    """What happened on a server, in order. Never empty."""

    name: str
    acts: tuple[Act, ...]

    @property
    def starts(self) -> datetime:
        """When the first thing happens."""
        return from_micros(self.acts[0].due)

    @property
    def ends(self) -> datetime:
        """When the last thing happens."""
        return from_micros(self.acts[-1].due)


class _Envelope(msgspec.Struct):
    event: str
    payload: str
    stream: list[str] = []


class _Account(msgspec.Struct):
    id: str
    acct: str


class _Tag(msgspec.Struct):
    name: str


class _Needed(msgspec.Struct):
    """What of a status the server itself looks at."""

    id: str
    created_at: Instant
    account: _Account
    tags: list[_Tag] = []
    edited_at: Instant | None = None


_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def mastodon_recording_of(lines: Sequence[bytes], name: str) -> MastodonRecording:
    """The recording these lines make; blank ones are passed over. Raises BadInput, with every bad line up to twenty."""
    acts: list[Act] = []
    problems: list[Problem] = []
    due = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            act = _act(line, due)
        except (ValueError, OverflowError, RecursionError) as error:
            problems.append(Problem(f"{name}:{number}", f"is no Mastodon message: {error}."))
            continue
        due = act.due
        acts.append(act)
    if not acts and not problems:
        problems.append(Problem(name, "holds no messages.", "Make a recording with “feedmon record”."))
    if problems:
        raise BadInput(problems[:_MOST_TOLD])
    return MastodonRecording(name, tuple(acts))


def _act(line: bytes, due: int) -> Act:
    envelope = _decode_envelope(line)
    streamed = envelope.stream != ["asked"]
    if envelope.event not in ("update", "status.update"):
        return Act(due, envelope.event, envelope.payload, envelope.payload, streamed=streamed)
    times = msgspec.json.decode(envelope.payload, type=_Needed)
    at = times.edited_at if envelope.event == "status.update" and times.edited_at else times.created_at
    status = msgspec.json.decode(envelope.payload, type=dict)
    return Act(max(due, to_micros(at)), envelope.event, times.id, envelope.payload, status, streamed)
