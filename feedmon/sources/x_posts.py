"""X's posts as a reader sees them. Pure; whether the stream brought them or a search.

Written from the public description of X's API, version 2. A message of the stream is one JSON object::

    {"data": {"id", "text", "author_id", "created_at", "edit_history_tweet_ids", "entities", "note_tweet", …},
     "includes": {"users": [{"id", "username", "name"}]}, "matching_rules": [{"id", "tag"}]}

An edit is a new post with a new id; ``edit_history_tweet_ids`` lists all of them, the first one first, and that first
one is *the post's* id here. Ids are X's own clock: their upper bits are the millisecond at which X made them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from feedmon.model.instants import Instant, from_micros, to_micros
from feedmon.model.posts import Author, Media, MediaKind, Post, Target
from feedmon.sources.select import hashtag_key, hashtags_in

NETWORK = "x"

MOST_TEXT = 30_000
"""Characters beyond which a text is no post: X allows 25,000."""

_FIRST_MILLISECOND = 1_288_834_974_657  # of Unix time: X's ids count from here
_MOST_PARTS = 100
_MOST_LENGTH = 2_048

_ESCAPE = re.compile("&(amp|lt|gt);")
_ESCAPED = {"amp": "&", "lt": "<", "gt": ">"}
_REPOSTED = re.compile(r"RT @(\w{1,15}): ")
_STATUS_LINK = re.compile(r"https?://(?:www\.|mobile\.)?(?:x|twitter)\.com/(\w{1,15})/status/(\d{1,19})(/\w+/\d+)?\b.*")
_LIVE_LINK = re.compile(r"https?://(?:www\.)?(?:x|twitter)\.com/i/(?:broadcasts|spaces)/.")
_MEDIA = {"3": MediaKind.IMAGE, "7": MediaKind.VIDEO, "13": MediaKind.VIDEO, "16": MediaKind.GIF}
"""What is attached, by the number its key begins with: so that the attachments need not be asked, and paid, for."""

_Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}$")]


class NotAPost(ValueError):
    """A message that cannot be shown as a post, and in a few words why. Never quotes it."""


class User(msgspec.Struct):
    """An account, as a message includes it."""

    id: str
    username: str = ""
    name: str = ""


class Includes(msgspec.Struct):
    """What comes along with posts."""

    users: list[User] = []


class _Tag(msgspec.Struct):
    tag: str = ""


class _Mention(msgspec.Struct):
    username: str = ""
    id: str = ""


class _Url(msgspec.Struct):
    url: str = ""
    expanded_url: str = ""
    display_url: str = ""


class _Entities(msgspec.Struct):
    hashtags: list[_Tag] = []
    mentions: list[_Mention] = []
    urls: list[_Url] = []


class _Note(msgspec.Struct):
    text: str = ""
    entities: _Entities | None = None


class _Reference(msgspec.Struct):
    type: str
    id: _Id


class _Attachments(msgspec.Struct):
    media_keys: list[str] = []


class _Data(msgspec.Struct):
    id: _Id
    text: str
    author_id: str = ""
    created_at: str = ""
    edit_history_tweet_ids: list[_Id] = []
    entities: _Entities | None = None
    note_tweet: _Note | None = None
    referenced_tweets: list[_Reference] | None = None
    in_reply_to_user_id: str = ""
    conversation_id: str = ""
    attachments: _Attachments | None = None
    lang: str = ""


class Read(msgspec.Struct, frozen=True):
    """A post as read: this version of it, whether it is an edit, and all of its versions' ids so far, oldest first."""

    post: Post
    edited: bool
    versions: tuple[str, ...]


def instant_of(post_id: str) -> datetime:
    """When X made the post with this id (exact to the millisecond). Raises ValueError for what is no id."""
    return from_micros(((int(post_id) >> 22) + _FIRST_MILLISECOND) * 1000)


def id_at(at: datetime) -> int:
    """The lowest id a post made at this instant can have (0 for instants before there were such ids)."""
    return max(0, to_micros(at) // 1000 - _FIRST_MILLISECOND) << 22


def read_post(data: bytes, users: dict[str, User], received_at: datetime | None, source: str) -> Read:
    """The post in a message's ``data``. Raises NotAPost for what is none, whatever it holds."""
    content = _tolerantly(data)
    note = content.note_tweet
    text, entities = content.text, content.entities
    if note is not None and note.text:
        text, entities = note.text, note.entities or entities
    if len(text) > MOST_TEXT:
        raise NotAPost("text longer than the network allows")
    entities = entities or _Entities()
    references = {one.type: one.id for one in content.referenced_tweets or ()}
    handles = {one.id: one.username.lower() for one in entities.mentions if one.id and one.username}
    versions = tuple(dict.fromkeys((*content.edit_history_tweet_ids, content.id)))
    links, quoted = _links(entities, references.get("quoted"))
    shown = _unescaped(_with_links_shown(text, entities, references.get("quoted")))
    reposted, mentions = None, _mentions(entities)
    if "retweeted" in references:
        shown, reposted = _reposted(shown, references["retweeted"], mentions)
        mentions = tuple(one for one in mentions if one.handle != reposted.handle)
    post = Post(
        network=NETWORK,
        id=versions[0],
        version=content.id,
        author=_author(content.author_id, users),
        text=shown,
        observed_at=instant_of(content.id),
        received_at=received_at,
        claimed_at=_instant(content.created_at),
        links=links,
        hashtags=_hashtags(text, entities),
        media=(*_media(content), *(Media(MediaKind.LIVE) for link in links if _LIVE_LINK.match(link))),
        mentions=mentions,
        reply_to=_replied(content, references.get("replied_to"), handles),
        thread=_thread(content, references.get("replied_to")),
        quote=Target(handle=quoted, post=references["quoted"]) if "quoted" in references else None,
        repost_of=reposted,
        langs=(content.lang,) if 2 <= len(content.lang) <= 3 and content.lang not in ("und", "zxx") else (),
        source=source,
    )
    return Read(post, edited=versions[0] != content.id, versions=versions)


def _tolerantly(data: bytes) -> _Data:
    """The message, decoded strictly when that works, else part by part without the parts that do not."""
    try:
        return msgspec.json.decode(data, type=_Data)
    except (ValueError, RecursionError):
        pass
    try:
        loose = msgspec.json.decode(data)
        content = msgspec.convert({"id": loose["id"], "text": loose["text"]}, _Data)
    except UnicodeDecodeError as error:
        raise NotAPost("not UTF-8") from error
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise NotAPost("not a post of X") from error
    for part in msgspec.structs.fields(_Data):
        if part.name in loose and (fitting := _converted(loose[part.name], part.type)) is not None:
            setattr(content, part.name, fitting)
    return content


def _converted(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError):
        return None


def _author(author_id: str, users: dict[str, User]) -> Author:
    user = users.get(author_id)
    if user is None or not user.username:
        return Author(handle=author_id or "unknown", id=author_id or None)
    return Author(handle=user.username, id=author_id, name=user.name[:_MOST_LENGTH])


def _unescaped(text: str) -> str:
    """X escapes three characters in texts, and no others."""
    return _ESCAPE.sub(lambda found: _ESCAPED[found[1]], text)


def _with_links_shown(text: str, entities: _Entities, quoted: str | None) -> str:
    """The text with its short links as readers see them: spelt out, or not at all when they stand for an attachment."""
    for one in entities.urls[:_MOST_PARTS]:
        if not one.url.startswith("http"):
            continue
        status = _STATUS_LINK.fullmatch(one.expanded_url)
        stands_for_more = status is not None and (status[3] is not None or status[2] == quoted)
        text = text.replace(one.url, "" if stands_for_more else one.display_url or one.expanded_url or one.url)
    return text.rstrip() if entities.urls else text


def _links(entities: _Entities, quoted: str | None) -> tuple[tuple[str, ...], str | None]:
    """Where the text's links lead, attachments left out, and who wrote the post that is quoted, if a link says so."""
    found: dict[str, None] = {}
    author = None
    for one in entities.urls[:_MOST_PARTS]:
        link = one.expanded_url or one.url
        status = _STATUS_LINK.fullmatch(link)
        if status is not None and status[2] == quoted:
            author = status[1].lower()
        elif link.startswith(("https://", "http://")) and len(link) <= _MOST_LENGTH and not (status and status[3]):
            found[link] = None
    return tuple(found), author


def _hashtags(text: str, entities: _Entities) -> tuple[str, ...]:
    """The tags X tells of and those in the text, each once, as first written."""
    found: dict[str, str] = {}
    for tag in (*(one.tag for one in entities.hashtags[:_MOST_PARTS]), *hashtags_in(_unescaped(text))):
        if key := hashtag_key(tag[:_MOST_LENGTH]):
            found.setdefault(key, tag[:_MOST_LENGTH].strip().lstrip("#＃"))
    return tuple(found.values())[:_MOST_PARTS]


def _mentions(entities: _Entities) -> tuple[Target, ...]:
    named = {one.username.lower(): one.id or None for one in entities.mentions[:_MOST_PARTS] if one.username}
    return tuple(Target(handle=handle, id=one) for handle, one in named.items())


def _reposted(text: str, post_id: str, mentions: tuple[Target, ...]) -> tuple[str, Target]:
    """A repost's words and whose they are. X gives them cut short, behind ``RT @name:``."""
    found = _REPOSTED.match(text)
    if found is None:
        return text, Target(post=post_id)
    handle = found[1].lower()
    author = next((one.id for one in mentions if one.handle == handle), None)
    return text[found.end() :], Target(handle=handle, id=author, post=post_id)


def _replied(content: _Data, post_id: str | None, handles: dict[str, str]) -> Target | None:
    who = content.in_reply_to_user_id or None
    if post_id is None and who is None:
        return None
    return Target(handle=handles.get(who or ""), id=who, post=post_id)


def _thread(content: _Data, replied: str | None) -> Target | None:
    began = content.conversation_id
    return Target(post=began) if began and began not in (content.id, replied) else None


def _media(content: _Data) -> tuple[Media, ...]:
    keys = content.attachments.media_keys if content.attachments else []
    kinds = (_MEDIA.get(key.partition("_")[0], MediaKind.IMAGE) for key in keys[:_MOST_PARTS])
    return tuple(map(Media, kinds))


def _instant(claim: str) -> datetime | None:
    try:
        return msgspec.convert(claim, Instant).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
