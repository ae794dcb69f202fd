"""An invented evening on X: a meeting, its accounts, and posts as X's stream sends them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feedmon.model.instants import to_micros
from feedmon.model.meeting import Account, Council, Meeting, Member, SourceSpec, Window
from feedmon.sources.credentials import variable
from feedmon.sources.select import Selection

EVENING = datetime(2026, 3, 5, 19, 0, tzinfo=UTC)
TOKEN = "rehearsal-token"
_EPOCH = 1_288_834_974_657

MARCHBANKS = "2244994945"
COUNCIL = "783214"
RESIDENT = "900000001"
STRANGER = "900000002"
NAMES = {
    MARCHBANKS: "cllrmarchbanks",
    COUNCIL: "saltmarshtc",
    RESIDENT: "gullwatcher",
    STRANGER: "kittenpost",
}

MEETING = Meeting(
    id="full-council",
    title="Full Council",
    council=Council(name="Saltmarsh Town Council", accounts=(Account(network="x", handle="SaltmarshTC", id=COUNCIL),)),
    packs=("ventnor",),
    window=Window(EVENING - timedelta(hours=1), EVENING + timedelta(hours=3)),
    hashtags=("SaltmarshTC", "Llanfaïr"),
    members=(
        Member(
            id="helen-marchbanks", name="Helen Marchbanks", accounts=(Account(network="x", handle="CllrMarchbanks"),)
        ),
        Member(
            id="graham-oldroyd",
            name="Graham Oldroyd",
            accounts=(Account(network="bluesky", handle="oldroyd.example", id="did:plc:oldroyd"),),
        ),
    ),
)
SELECTION = Selection.of([MEETING], "x")


def spec(url: str = "https://api.x.com", cap: float | None = None) -> SourceSpec:
    return SourceSpec(kind="x", name="x", url=url, cap=cap)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token a rehearsal takes; imported by the modules that need it."""
    monkeypatch.setenv(variable("x"), TOKEN)


def id_at(seconds: float, sequence: int = 0) -> str:
    """The id of a post made so many seconds into the evening."""
    micros = to_micros(EVENING + timedelta(seconds=seconds))
    return str(((micros // 1000 - _EPOCH) << 22) + sequence)


def data(author: str, seconds: float, text: str, *, sequence: int = 0, **more: Any) -> dict[str, Any]:
    """A post's own object, with the entities X would find in its text."""
    number = id_at(seconds, sequence)
    entities: dict[str, Any] = {}
    if tags := [{"start": tag.start(), "end": tag.end(), "tag": tag[1]} for tag in re.finditer(r"#(\w+)", text)]:
        entities["hashtags"] = tags
    by_name = {name: number for number, name in NAMES.items()}
    if mentions := [
        {"start": one.start(), "end": one.end(), "username": one[1], "id": by_name.get(one[1].lower(), "1")}
        for one in re.finditer(r"@(\w+)", text)
    ]:
        entities["mentions"] = mentions
    return {
        "id": number,
        "text": text,
        "author_id": author,
        "created_at": (EVENING + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "edit_history_tweet_ids": [number],
        "conversation_id": number,
        "lang": "en",
        **({"entities": entities} if entities else {}),
        **more,
    }


def line(author: str, seconds: float, text: str, *, sequence: int = 0, **more: Any) -> bytes:
    """A post as a line of the stream."""
    return message(data(author, seconds, text, sequence=sequence, **more))


def message(post: dict[str, Any]) -> bytes:
    author = post["author_id"]
    user = {"id": author, "username": NAMES.get(author, "someone"), "name": NAMES.get(author, "someone").title()}
    return json.dumps({"data": post, "includes": {"users": [user]}}, ensure_ascii=False).encode()
