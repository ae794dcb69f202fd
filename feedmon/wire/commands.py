"""What a desk asks of the service, and the answers. JSON bodies over HTTP, all under ``/api/v1``.

==========================================  ==================================================================
request                                     body, answer
==========================================  ==================================================================
``GET  /meetings``                          → a list of ``{id, title, council, following}``
``POST /meetings/{meeting}/marks``          a :class:`MarkRequest` → :class:`Done`. ``at`` left out is now
``POST /meetings/{meeting}/decisions``      a :class:`DecisionRequest` → :class:`Done`. ``at`` left out is now
``POST /meetings/{meeting}/captures``       a :class:`CaptureRequest` → :class:`Done`. ``at`` left out is now
``POST /meetings/{meeting}/chair-link``     nothing → :class:`ChairLink`; any earlier unopened link stops working
``POST /meetings/{meeting}/capture-link``   nothing → :class:`CaptureLink`; any earlier unopened link stops working
``GET  /meetings/{meeting}/live``           WebSocket of wire messages, ``?after=SEQ`` to resume
==========================================  ==================================================================

Every request carries ``Authorization: Bearer TOKEN``. Ids are the sender's own (any unique text): sending the same
body again is answered again and changes nothing. A :class:`Done` answer means it is durable in the journal. What
cannot be done is answered 400, 401, 404, 409, 413 or 503 with a :class:`Refusal`.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from feedmon.model.decisions import Decision, DecisionKind, DismissReason
from feedmon.model.instants import Instant
from feedmon.model.posts import MediaKind
from feedmon.model.timeline import Mark, MarkKind


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The act is in the journal at entry ``entry``; 0 when it is one of which nothing need be written down.

    ``warning`` says what looked odd about it, if anything did.
    """

    entry: int
    warning: str = ""


class ChairLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link to the chair's page that opens once, on one device."""

    url: str


class CaptureLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link to the page on which posts are captured by hand; it opens once, in one browser."""

    url: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused and how to mend it."""

    error: str
    mend: str = ""


class MarkRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mark as a desk asks for it; see :class:`feedmon.model.timeline.Mark` for the fields."""

    id: str
    kind: MarkKind
    at: Instant | None = None
    item: str | None = None
    member: str | None = None
    note: str = ""
    by: str = "clerk"
    supersedes: str | None = None

    def stamped(self, now: datetime) -> Mark:
        """The mark this asks for, entered now. Raises ValueError when it could mean nothing."""
        fields = msgspec.structs.asdict(self)
        return Mark(**{**fields, "at": self.at or now, "entered_at": now})


class CaptureRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A post from where no feed reaches, entered by hand.

    ``network`` says where it is (``facebook``), ``author`` the name or handle it is shown under there, ``at`` when it
    was posted. ``member`` is the id of the member whose account there it was, None for anybody else's. The same
    ``url`` (or, without one, nothing) captured again is a newer version of the same post.
    """

    id: str
    network: str
    author: str
    text: str
    at: Instant | None = None
    url: str = ""
    member: str | None = None
    media: tuple[MediaKind, ...] = ()
    by: str = "clerk"


class DecisionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision as a desk asks for it; see :class:`feedmon.model.decisions.Decision` for the fields."""

    id: str
    flag: str
    kind: DecisionKind
    at: Instant | None = None
    by: str = "clerk"
    reason: DismissReason | None = None
    words: str = ""
    undoes: str | None = None

    def stamped(self, now: datetime) -> Decision:
        """The decision this asks for. Raises ValueError when it could mean nothing."""
        return Decision(**{**msgspec.structs.asdict(self), "at": self.at or now})
