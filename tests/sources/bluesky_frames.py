"""Invented Bluesky traffic in Jetstream's first format, as bytes, for the tests of this folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from feedmon.model.meeting import Account, Council, Meeting, Member, SourceSpec, Window

EVENING = datetime(2026, 3, 5, 19, 0, tzinfo=UTC)
T0 = 1_772_737_200_000_000  # EVENING in microseconds

COUNCIL = "did:plc:saltmarshtc0000000000000"
MARCHBANKS = "did:plc:marchbanks00000000000000"
RENFREW = "did:plc:renfrew00000000000000000"
RESIDENT = "did:plc:resident0000000000000000"
STRANGER = "did:plc:stranger0000000000000000"

MEETING = Meeting(
    id="saltmarsh",
    title="Full Council",
    council=Council(
        name="Saltmarsh Town Council", accounts=(Account(network="bluesky", handle="saltmarshtc.example", id=COUNCIL),)
    ),
    packs=("ventnor",),
    window=Window(EVENING, datetime(2026, 3, 5, 22, 0, tzinfo=UTC)),
    hashtags=("#SaltmarshTC",),
    members=(
        Member(
            id="helen-marchbanks",
            name="Helen Marchbanks",
            accounts=(Account(network="bluesky", handle="marchbanks.example", id=MARCHBANKS),),
        ),
        Member(
            id="tobias-renfrew",
            name="Tobias Renfrew",
            accounts=(Account(network="bluesky", handle="renfrew.example", id=RENFREW),),
        ),
        Member(
            id="no-id-yet",
            name="Priya Sandhu",
            accounts=(Account(network="bluesky", handle="sandhu.example"),),
        ),
    ),
)


def spec(url: str) -> SourceSpec:
    """A source of the meeting's, at this address."""
    return SourceSpec(kind="bluesky", name="bluesky", url=url)


def uri(did: str, rkey: str, collection: str = "app.bsky.feed.post") -> str:
    """A record's address."""
    return f"at://{did}/{collection}/{rkey}"


def record(text: str, **more: Any) -> dict[str, Any]:
    """A post record."""
    return {"$type": "app.bsky.feed.post", "createdAt": "2026-03-05T19:00:00.000Z", **more, "text": text}


def facet(text: str, part: str, **feature: str) -> dict[str, Any]:
    """A facet over the first occurrence of ``part`` in ``text``: give ``tag``, ``did`` or ``uri``."""
    start = text.encode().index(part.encode())
    kind = {"tag": "tag", "did": "mention", "uri": "link"}[next(iter(feature))]
    return {
        "index": {"byteStart": start, "byteEnd": start + len(part.encode())},
        "features": [{"$type": f"app.bsky.richtext.facet#{kind}", **feature}],
    }


def frame(value: Any) -> bytes:
    """An event's bytes, as Jetstream writes them: no spaces, nothing escaped that need not be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def written(
    did: str,
    rkey: str,
    content: dict[str, Any],
    at: int = 0,
    *,
    operation: str = "create",
    rev: str | None = None,
    collection: str = "app.bsky.feed.post",
    cid: str | None = None,
) -> bytes:
    """A record created or updated, ``at`` microseconds after T0."""
    rev = rev or f"3mg{T0 + at}"
    commit: dict[str, Any] = {"rev": rev, "operation": operation, "collection": collection, "rkey": rkey}
    commit |= {"record": content, "cid": cid or f"bafy{rev}"}
    return frame({"did": did, "time_us": T0 + at, "kind": "commit", "commit": commit})


def post(did: str, rkey: str, text: str, at: int = 0, **more: Any) -> bytes:
    """A post created."""
    return written(did, rkey, record(text, **more), at)


def repost(did: str, rkey: str, subject: str, at: int = 0) -> bytes:
    """A repost without comment."""
    content = {"$type": "app.bsky.feed.repost", "subject": {"uri": subject, "cid": "bafysubject"}}
    return written(did, rkey, content, at, collection="app.bsky.feed.repost")


def gone(did: str, rkey: str, at: int = 0, *, rev: str | None = None, collection: str = "app.bsky.feed.post") -> bytes:
    """A record deleted."""
    commit = {"rev": rev or f"3mg{T0 + at}", "operation": "delete", "collection": collection, "rkey": rkey}
    return frame({"did": did, "time_us": T0 + at, "kind": "commit", "commit": commit})


def identity(did: str, handle: str | None, at: int = 0) -> bytes:
    """An identity event; without a handle, as is usual."""
    what = {"did": did, "seq": 1, "time": "2026-03-05T19:00:00Z"} | ({"handle": handle} if handle else {})
    return frame({"did": did, "time_us": T0 + at, "kind": "identity", "identity": what})


def account(did: str, at: int = 0, *, active: bool = True) -> bytes:
    """An account event."""
    what = {"active": active, "did": did, "seq": 1, "time": "2026-03-05T19:00:00Z"}
    return frame({"did": did, "time_us": T0 + at, "kind": "account", "account": what})
