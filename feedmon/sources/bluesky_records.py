"""Bluesky's records as posts a reader sees. Pure; whichever way a record reached us (Jetstream, a firehose, a page).

Written from the public lexicons ``app.bsky.feed.post``, ``app.bsky.feed.repost``, ``app.bsky.richtext.facet`` and
``app.bsky.embed.*``. A record is whatever its author's program wrote: everything but the text itself may be
malformed, and then that part is left out and the rest kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from feedmon.model.instants import Instant
from feedmon.model.posts import Author, Media, MediaKind, Post, Target
from feedmon.sources.select import handles_in, hashtag_key, hashtags_in

NETWORK = "bluesky"
POST = "app.bsky.feed.post"
REPOST = "app.bsky.feed.repost"

MOST_TEXT = 10_000
"""Characters of text beyond which a record is no post: the lexicon allows 3,000 bytes, and no reader sees more."""

_MOST_PARTS = 100  # facets, tags, links and so on of one post that are looked at
_MOST_LENGTH = 2_048  # characters of one link, tag or description that are kept

_AT_URI = re.compile(r"at://(?P<who>[^/?#\s]{3,2048})(?:/(?P<collection>[A-Za-z0-9.-]{1,317})(?:/[^/?#\s]{1,512})?)?")
_LINK_IN_TEXT = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'…]")
_GIF_HOSTS = frozenset(
    {"media.tenor.com", "tenor.com", "giphy.com", "media.giphy.com", "i.giphy.com", "static.klipy.com"}
)
_LIVE = re.compile(
    r"""
      (?:\w+\.)?youtube\.com/live/.
    | youtube\.com/watch_live
    | (?:\w+\.)?twitch\.tv/(?!videos/|directory|p/|downloads)\w+/?$
    | (?:\w+\.)?facebook\.com/(?:.+/)?live(?:[/?]|_videos|$)
    | (?:\w+\.)?instagram\.com/[\w.]+/live
    | (?:\w+\.)?tiktok\.com/@[\w.]+/live
    | (?:x|twitter)\.com/i/(?:broadcasts|spaces)/.
    | stream\.place/.
    """,
    re.VERBOSE | re.IGNORECASE,
)

HandleOf = Callable[[str], str | None]
"""The handle a DID is known by, None when it is not known."""


class NotAPost(ValueError):
    """A record that cannot be shown as a post, and in a few words why. Never quotes it."""


class _Slice(msgspec.Struct, rename="camel"):
    byte_start: int
    byte_end: int


class _Feature(msgspec.Struct):
    type: str = msgspec.field(name="$type", default="")
    tag: str = ""
    did: str = ""
    uri: str = ""


class _Facet(msgspec.Struct):
    index: _Slice
    features: list[_Feature] = []


class _Ref(msgspec.Struct):
    """A strong reference, or (in ``recordWithMedia``) the embed that holds one."""

    uri: str = ""
    record: _Ref | None = None


class _Reply(msgspec.Struct):
    parent: _Ref | None = None
    root: _Ref | None = None


class _External(msgspec.Struct):
    uri: str = ""
    title: str = ""
    description: str = ""


class _Image(msgspec.Struct):
    alt: str = ""


class _Embed(msgspec.Struct):
    """Any ``app.bsky.embed.*``, told apart by ``type``."""

    type: str = msgspec.field(name="$type", default="")
    images: list[_Image] | None = None
    external: _External | None = None
    record: _Ref | None = None
    media: _Embed | None = None
    alt: str = ""
    presentation: str = ""


class _PostRecord(msgspec.Struct, rename="camel"):
    text: str = ""
    created_at: str = ""
    facets: list[_Facet] | None = None
    reply: _Reply | None = None
    embed: _Embed | None = None
    langs: list[str] | None = None
    tags: list[str] | None = None


class _RepostRecord(msgspec.Struct, rename="camel"):
    subject: _Ref
    created_at: str = ""


_decode_post = msgspec.json.Decoder(_PostRecord).decode
_decode_repost = msgspec.json.Decoder(_RepostRecord).decode
_PARTS = msgspec.structs.fields(_PostRecord)
_T = TypeVar("_T")


def post_uri(did: str, collection: str, rkey: str) -> str:
    """A record's address, which is the post's id."""
    return f"at://{did}/{collection}/{rkey}"


def read_record(
    record: bytes,
    *,
    did: str,
    collection: str,
    rkey: str,
    version: str,
    observed_at: datetime,
    received_at: datetime | None,
    handle_of: HandleOf,
    source: str,
) -> Post:
    """The post a JSON record stands for; ``version`` is its CID. A repost has no words of its own.

    Raises NotAPost for a record that is none, whatever it holds.
    """
    fields: dict[str, Any] = {
        "network": NETWORK,
        "id": post_uri(did, collection, rkey),
        "author": Author(handle=handle_of(did) or did, id=did),
        "observed_at": observed_at,
        "version": version,
        "received_at": received_at,
        "source": source,
    }
    if collection == REPOST:
        return _repost(record, fields, handle_of)
    content = _tolerantly(record)
    if len(content.text) > MOST_TEXT:
        raise NotAPost("text longer than the network allows")
    features = list(_features(content))
    found = _unique([*_links(features, content.embed), *_LINK_IN_TEXT.findall(content.text)])
    links = tuple(link for link in found if _host(link))
    quote, media = _embedded(content.embed)
    reply = content.reply or _Reply()
    parent, root = _target(reply.parent, handle_of), _target(reply.root, handle_of)
    return Post(
        text=content.text,
        claimed_at=_instant(content.created_at),
        links=links,
        hashtags=_hashtags(content, features),
        media=(*media, *(Media(MediaKind.LIVE) for link in links if is_live(link))),
        mentions=tuple(_mentions(content.text, features, handle_of)),
        reply_to=parent,
        thread=root if root != parent else None,
        quote=_target(quote, handle_of, POST),
        langs=tuple(lang for lang in content.langs or () if len(lang) <= 35)[:3],
        **fields,
    )


def _repost(record: bytes, fields: dict[str, Any], handle_of: HandleOf) -> Post:
    try:
        content = _decode_repost(record)
    except (ValueError, RecursionError) as error:
        raise NotAPost("not a record of its kind") from error
    subject = _target(content.subject, handle_of, POST)
    if subject is None:
        raise NotAPost("reposts nothing")
    return Post(text="", claimed_at=_instant(content.created_at), repost_of=subject, **fields)


def _tolerantly(record: bytes) -> _PostRecord:
    """The record, decoded strictly when that works, else part by part without the parts that do not."""
    try:
        return _decode_post(record)
    except (ValueError, RecursionError):
        pass
    try:
        loose = msgspec.json.decode(record)
    except UnicodeDecodeError as error:
        raise NotAPost("not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise NotAPost("not JSON") from error
    if not isinstance(loose, dict) or not isinstance(loose.get("text", ""), str):
        raise NotAPost("not a record of its kind")
    content = _PostRecord()
    for part in _PARTS:
        value = loose.get(part.encode_name)
        if part.name == "facets" and isinstance(value, list):
            facets = (_converted(facet, _Facet) for facet in value[:_MOST_PARTS])
            content.facets = [facet for facet in facets if facet is not None]
        elif value is not None and (fitting := _converted(value, part.type)) is not None:
            setattr(content, part.name, fitting)
    return content


def _converted(value: Any, kind: type[_T]) -> _T | None:
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError):
        return None


def _features(content: _PostRecord) -> Iterator[_Feature]:
    """The features of the facets whose range is whole characters of the text and overlaps no earlier one's.

    Ranges count bytes of UTF-8, as the author's program gave them.
    """
    if not content.facets:
        return
    text = content.text.encode("utf-8")
    reached = 0
    for facet in sorted(content.facets[:_MOST_PARTS], key=lambda facet: facet.index.byte_start):
        start, end = facet.index.byte_start, facet.index.byte_end
        if reached <= start < end <= len(text) and _starts_character(text, start) and _starts_character(text, end):
            reached = end
            yield from facet.features[:_MOST_PARTS]


def _starts_character(text: bytes, offset: int) -> bool:
    return offset == len(text) or text[offset] & 0xC0 != 0x80


def _hashtags(content: _PostRecord, features: Iterable[_Feature]) -> tuple[str, ...]:
    """Tags from facets, from the record's own list and from the text, each once, as first written."""
    tagged = [feature.tag for feature in features if feature.type == "app.bsky.richtext.facet#tag"]
    found: dict[str, str] = {}
    for tag in (*tagged, *(content.tags or ())[:_MOST_PARTS], *hashtags_in(content.text)):
        key = hashtag_key(tag[:_MOST_LENGTH])
        if key:
            found.setdefault(key, tag[:_MOST_LENGTH].strip().lstrip("#＃"))
    return tuple(found.values())[:_MOST_PARTS]


def _mentions(text: str, features: Iterable[_Feature], handle_of: HandleOf) -> Iterator[Target]:
    """Whom the text addresses: by facet (an id), or by a handle that no facet covers."""
    ids = _unique(feature.did for feature in features if feature.type == "app.bsky.richtext.facet#mention")
    targets = [Target(handle=handle_of(did), id=did) for did in ids]
    yield from targets
    known = {target.handle.lower() for target in targets if target.handle}
    yield from (Target(handle=handle) for handle in _unique(handles_in(text)) if handle not in known)


def _links(features: Iterable[_Feature], embed: _Embed | None) -> Iterator[str]:
    yield from (feature.uri for feature in features if feature.type == "app.bsky.richtext.facet#link")
    for part in (embed, embed.media if embed else None):
        if part is not None and part.external is not None:
            yield part.external.uri


def _embedded(embed: _Embed | None) -> tuple[_Ref | None, tuple[Media, ...]]:
    """What an embed quotes, and what it shows."""
    match embed:
        case _Embed(type="app.bsky.embed.record"):
            return embed.record, ()
        case _Embed(type="app.bsky.embed.recordWithMedia"):
            return embed.record and embed.record.record, tuple(_media(embed.media))
        case _:
            return None, tuple(_media(embed))


def _media(embed: _Embed | None) -> Iterator[Media]:
    match embed:
        case _Embed(type="app.bsky.embed.images", images=[*images]):
            yield from (Media(MediaKind.IMAGE, image.alt[:_MOST_LENGTH]) for image in images[:_MOST_PARTS])
        case _Embed(type="app.bsky.embed.video", alt=alt, presentation=presentation):
            yield Media(MediaKind.GIF if presentation == "gif" else MediaKind.VIDEO, alt[:_MOST_LENGTH])
        case _Embed(type="app.bsky.embed.external", external=_External() as external):
            if _host(external.uri) in _GIF_HOSTS:
                yield Media(MediaKind.GIF, (external.description or external.title)[:_MOST_LENGTH])


def _target(ref: _Ref | None, handle_of: HandleOf, collection: str | None = None) -> Target | None:
    """Whose post a reference points at. None when it points at no record, or not at one of ``collection``."""
    found = _AT_URI.fullmatch(ref.uri) if ref is not None else None
    if ref is None or found is None or collection not in (None, found["collection"]):
        return None
    who = found["who"]
    if who.startswith("did:"):
        return Target(handle=handle_of(who), id=who, post=ref.uri)
    return Target(handle=who.lower(), post=ref.uri)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if 0 < len(value) <= _MOST_LENGTH))[:_MOST_PARTS]


def _host(link: str) -> str:
    try:
        parts = urlsplit(link)
        return (parts.hostname or "").removeprefix("www.") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def is_live(link: str) -> bool:
    """Whether a link leads to a live broadcast, by its address alone."""
    return bool(_host(link)) and _LIVE.match(link.split("//", 1)[1].removeprefix("www.")) is not None


def _instant(claim: str) -> datetime | None:
    """An author's claimed time, None when it is none, has no offset, or cannot be told in UTC."""
    try:
        return msgspec.convert(claim, Instant).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
