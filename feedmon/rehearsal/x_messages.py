"""X's posts as a rehearsal keeps them, and the errors X answers with."""

from __future__ import annotations

import re

import msgspec

from feedmon.model.problems import BadInput, Problem
from feedmon.rehearsal.x_query import Told

_FIRST_MILLISECOND = 1_288_834_974_657  # of Unix time: X's ids count from here


class _Named(msgspec.Struct):
    tag: str = ""
    username: str = ""


class _Entities(msgspec.Struct):
    hashtags: list[_Named] = []
    mentions: list[_Named] = []


class _Note(msgspec.Struct):
    entities: _Entities | None = None


class _Reference(msgspec.Struct):
    type: str = ""


class _Data(msgspec.Struct):
    id: str
    text: str
    author_id: str = ""
    entities: _Entities | None = None
    note_tweet: _Note | None = None
    referenced_tweets: list[_Reference] = []


class User(msgspec.Struct):
    """An account that comes along with a post."""

    id: str
    username: str
    name: str = ""


class _Includes(msgspec.Struct):
    users: list[User] = []


class _Message(msgspec.Struct):
    data: msgspec.Raw
    includes: _Includes = msgspec.field(default_factory=_Includes)


class XMessage(msgspec.Struct, frozen=True):
    """One post: as a line of the stream, its parts, what queries ask of it, and when it is due (microseconds)."""

    raw: bytes
    data: bytes
    users: tuple[User, ...]
    id: int
    told: Told
    due: int


def micros_of(post_id: int) -> int:
    """When X made the post with this id, in microseconds of Unix time."""
    return ((post_id >> 22) + _FIRST_MILLISECOND) * 1000


def messages_of(lines: list[bytes], name: str) -> tuple[XMessage, ...]:
    """The posts in these lines of a stream, in their order. Raises BadInput with every line that is none."""
    messages: list[XMessage] = []
    problems: list[Problem] = []
    due = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            message = _message(line, due)
        except (ValueError, RecursionError) as error:
            problems.append(Problem(f"{name}:{number}", f"is no message of X's stream: {error}."))
            continue
        due = message.due
        messages.append(message)
    if problems:
        raise BadInput(problems[:20])
    return tuple(messages)


def _message(line: bytes, due: int) -> XMessage:
    message = msgspec.json.decode(line, type=_Message)
    data = msgspec.json.decode(message.data, type=_Data)
    if not re.fullmatch("[0-9]{1,19}", data.id):
        raise ValueError("its id is not a number")
    entities = [one for one in (data.entities, data.note_tweet.entities if data.note_tweet else None) if one]
    author = next((user for user in message.includes.users if user.id == data.author_id), None)
    told = Told(
        hashtags=frozenset(one.tag.lower() for found in entities for one in found.hashtags),
        mentions=frozenset(one.username.lower() for found in entities for one in found.mentions),
        author=frozenset({data.author_id} | ({author.username.lower()} if author else set())),
        repost=any(one.type == "retweeted" for one in data.referenced_tweets),
    )
    number = int(data.id)
    users = (author,) if author else ()
    return XMessage(line, bytes(message.data), users, number, told, max(due, micros_of(number)))


def problem(title: str, detail: str, kind: str = "about:blank", **more: str) -> dict[str, str]:
    """An error as X words one."""
    return {"title": title, "detail": detail, "type": kind, **more}


TOO_MANY_CONNECTIONS = problem(
    "ConnectionException",
    "The stream has as many connections as it may have.",
    "https://api.x.com/2/problems/streaming-connection",
    connection_issue="TooManyConnections",
)
OPERATIONAL_DISCONNECT = problem(
    "operational-disconnect",
    "The stream was ended from above for operational reasons.",
    "https://api.x.com/2/problems/operational-disconnect",
    disconnect_type="UpstreamOperationalDisconnect",
)
