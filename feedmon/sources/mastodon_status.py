"""A status, as Mastodon and its kin (GoToSocial, Pleroma) write it in JSON, as a post a reader sees. Pure.

Written from the public description of the entities ``Status`` and ``Account``. Everything but the post's own words,
address and author may be malformed; then that part is left out and the rest kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from feedmon.model.instants import Instant
from feedmon.model.posts import Author, Media, MediaKind, Post, Target
from feedmon.sources.bluesky_records import is_live
from feedmon.sources.mastodon_html import LONGEST, read_html
from feedmon.sources.select import handle_key, hashtag_key, hashtags_in

NETWORK = "mastodon"

_MOST_PARTS = 100
_MOST_LENGTH = 2_048
_KINDS = {"image": MediaKind.IMAGE, "gifv": MediaKind.GIF, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
_T = TypeVar("_T")


class NotAStatus(ValueError):
    """A message that is no status a reader could see, and in a few words why. Never quotes it."""


class NotPublic(NotAStatus):
    """A status for some people only. It is none of ours, whoever let us see it."""


class AccountEntity(msgspec.Struct):
    """An account: ``id`` is this server's number for it, ``uri`` (else ``url``) its lasting name everywhere."""

    id: str
    acct: str
    url: str = ""
    uri: str | None = None
    display_name: str = ""


class StatusEntity(msgspec.Struct):
    """A status, its lesser parts not decoded yet. ``id`` is this server's, ``uri`` the same on every server."""

    id: str
    uri: str
    visibility: str
    account: AccountEntity
    content: str | None = None
    spoiler_text: str | None = None
    url: str | None = None
    created_at: msgspec.Raw = msgspec.Raw()
    edited_at: msgspec.Raw = msgspec.Raw()
    language: msgspec.Raw = msgspec.Raw()
    tags: msgspec.Raw = msgspec.Raw()
    mentions: msgspec.Raw = msgspec.Raw()
    media_attachments: msgspec.Raw = msgspec.Raw()
    in_reply_to_id: msgspec.Raw = msgspec.Raw()
    in_reply_to_account_id: msgspec.Raw = msgspec.Raw()
    card: msgspec.Raw = msgspec.Raw()
    poll: msgspec.Raw = msgspec.Raw()
    quote: msgspec.Raw = msgspec.Raw()
    reblog: msgspec.Raw = msgspec.Raw()

    @property
    def created(self) -> datetime | None:
        """When its own server says it was posted."""
        return _instant(self.created_at)

    @property
    def edited(self) -> datetime | None:
        """When its own server says this version of it was made, None for the first."""
        return _instant(self.edited_at)

    @property
    def claim(self) -> datetime | None:
        """When its own server says that this version appeared."""
        return self.edited or self.created

    @property
    def version(self) -> str:
        """What tells this version from others: the time of the edit in UTC, nothing for the first."""
        edited = self.edited
        return edited.isoformat(timespec="milliseconds") if edited else ""


class _Tag(msgspec.Struct):
    name: str


class _Mention(msgspec.Struct):
    id: str
    acct: str
    url: str = ""


class _Attachment(msgspec.Struct):
    type: str
    description: str | None = None


class _Card(msgspec.Struct):
    url: str


class _Option(msgspec.Struct):
    title: str


class _Poll(msgspec.Struct):
    options: list[_Option]


class _Quote(msgspec.Struct):
    quoted_status: StatusEntity | None = None


_decode_status = msgspec.json.Decoder(StatusEntity).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def decode_status(raw: bytes | str) -> StatusEntity:
    """A status from its JSON. Raises NotAStatus."""
    try:
        status = _decode_status(raw)
    except (ValueError, RecursionError) as error:
        raise NotAStatus("not a status") from error
    if not (0 < len(status.uri) <= _MOST_LENGTH and 0 < len(status.id) <= 100 and status.account.acct):
        raise NotAStatus("not a status")
    return status


class Page(msgspec.Struct, frozen=True):
    """A page of statuses, each with its JSON, in the server's order; and how many could not be read."""

    statuses: tuple[tuple[StatusEntity, bytes], ...]
    unreadable: int

    @property
    def last(self) -> StatusEntity | None:
        """The last one, behind which the next page begins."""
        return self.statuses[-1][0] if self.statuses else None


def decode_page(page: bytes) -> Page:
    """A page from its JSON. Raises NotAStatus when it is none."""
    try:
        raws = [bytes(raw) for raw in _decode_list(page)]
    except (ValueError, RecursionError) as error:
        raise NotAStatus("not a page of statuses") from error
    statuses = []
    for raw in raws:
        try:
            statuses.append((decode_status(raw), raw))
        except NotAStatus:
            continue
    return Page(tuple(statuses), len(raws) - len(statuses))


class People:
    """Who is who on one server: handles made whole, and accounts given the ids that the roster knows them by.

    ``domain`` is what local handles end in, ``host`` where the server itself is: often, not always, the same. The
    roster may name an account by its ``uri`` or by the address of its page, whichever a clerk could find; posts then
    carry that very one.
    """

    def __init__(self, host: str, ids: Iterable[str], handle_of: Mapping[str, str]) -> None:
        self.host = self.domain = host
        self._ids = {address_key(one): one for one in ids}
        self._handle_of = dict(handle_of)

    def author(self, account: AccountEntity) -> Author:
        """The author of a status."""
        lasting = self.id_of(account.uri, account.url)
        handle = self._handle_of.get(lasting or "") or self.handle(account.acct)
        return Author(handle, lasting, account.display_name[:_MOST_LENGTH])

    def target(self, acct: str, uri: str | None, url: str, post: str | None = None) -> Target:
        """Someone a status is addressed to, or speaks of."""
        lasting = self.id_of(uri, url)
        return Target(self._handle_of.get(lasting or "") or self.handle(acct), lasting, post)

    def id_of(self, uri: str | None, url: str) -> str | None:
        """The lasting name of an account: the one on the roster, if either of its addresses is there."""
        for address in (uri, url):
            if address and (known := self._ids.get(address_key(address))):
                return known
        lasting = uri or url
        return lasting if 0 < len(lasting) <= _MOST_LENGTH else None

    def learn(self, account: AccountEntity, roster_id: str, handle: str) -> None:
        """From now on this account is the one that the roster means."""
        for address in (account.uri, account.url):
            if address:
                self._ids[address_key(address)] = roster_id
        self._handle_of[roster_id] = handle

    def handle(self, acct: str) -> str:
        """A handle with its server's name, lower case."""
        handle = handle_key(acct[:_MOST_LENGTH])
        return handle if "@" in handle else f"{handle}@{self.domain}"


def address_key(address: str) -> str:
    """An account's address as it is compared: whatever the case of its scheme and host, no slash at its end."""
    try:
        parts = urlsplit(address.strip())
        return f"{(parts.hostname or '').lower()}{parts.path.rstrip('/')}"
    except ValueError:
        return address


def read_status(
    status: StatusEntity,
    people: People,
    *,
    observed_at: datetime,
    received_at: datetime,
    source: str,
    uri_of: Mapping[str, str],
) -> Post:
    """The post a status is. ``uri_of`` knows posts' lasting names by this server's own. Raises NotPublic."""
    if status.visibility != "public":
        raise NotPublic("not public")
    shown = _reblogged(status) or status
    if shown.visibility not in ("public", "unlisted"):
        raise NotPublic("not public")
    author = people.author(status.account)
    quoted = _optional(shown.quote, _Quote)
    quote = quoted.quoted_status if quoted else None
    reading = read_html((shown.content or "")[:LONGEST], quotes=quote is not None)
    card = _optional(shown.card, _Card)
    links = _unique([*reading.links, *([card.url] if card else [])])
    tags = [tag.name.removeprefix("#") for tag in _list(shown.tags, _Tag)]
    language = _optional(shown.language, str)
    text = _whole_text(shown, reading.text)
    return Post(
        network=NETWORK,
        id=status.uri,
        author=author,
        text=text,
        observed_at=observed_at,
        received_at=received_at,
        claimed_at=status.claim,
        version=status.version,
        links=links,
        hashtags=_hashtags(tags, text),
        media=(
            *(
                Media(_KINDS[one.type], (one.description or "")[:_MOST_LENGTH])
                for one in _list(shown.media_attachments, _Attachment)
                if one.type in _KINDS
            ),
            *(Media(MediaKind.LIVE) for link in links if is_live(link)),
        ),
        mentions=tuple(people.target(one.acct, None, one.url) for one in _list(shown.mentions, _Mention)),
        reply_to=_answered(status, people, uri_of),
        quote=people.target(quote.account.acct, quote.account.uri, quote.account.url, quote.uri) if quote else None,
        repost_of=(
            people.target(shown.account.acct, shown.account.uri, shown.account.url, shown.uri)
            if shown is not status
            else None
        ),
        langs=(language,) if language and len(language) <= 35 else (),
        source=source,
    )


def _hashtags(tags: list[str], text: str) -> tuple[str, ...]:
    """The hashtags the server tells of, spelt as in the text where they stand there; and those it does not tell of."""
    spelt = {hashtag_key(tag): tag for tag in tags} | {hashtag_key(tag): tag for tag in hashtags_in(text)}
    return _unique(spelt.values())


def _whole_text(status: StatusEntity, words: str) -> str:
    """All the words there are to see: the content warning, the post's own, and what a poll asks."""
    warning = (status.spoiler_text or "").strip()[:_MOST_LENGTH]
    poll = _optional(status.poll, _Poll)
    options = [f"○ {option.title[:_MOST_LENGTH]}" for option in poll.options[:_MOST_PARTS]] if poll else []
    return "\n\n".join(part for part in (f"CW: {warning}" if warning else "", words, "\n".join(options)) if part)


def _reblogged(status: StatusEntity) -> StatusEntity | None:
    """The status another one only passes on."""
    found: StatusEntity | None = _optional(status.reblog, StatusEntity)
    return found


def _instant(raw: msgspec.Raw) -> datetime | None:
    """A time a server claims, in UTC; None when it is none, or has no offset."""
    claimed: datetime | None = _optional(raw, Instant)
    try:
        return claimed.astimezone(UTC) if claimed else None
    except OverflowError:
        return None


def _answered(status: StatusEntity, people: People, uri_of: Mapping[str, str]) -> Target | None:
    """Whom a status answers. The server names post and person by numbers of its own."""
    answered = _optional(status.in_reply_to_id, str)
    whom = _optional(status.in_reply_to_account_id, str)
    if answered is None and whom is None:
        return None
    post = uri_of.get(answered or "")
    if whom == status.account.id:
        return people.target(status.account.acct, status.account.uri, status.account.url, post)
    for one in _list(status.mentions, _Mention):
        if one.id == whom:
            return people.target(one.acct, None, one.url, post)
    return Target(post=post) if post else None


def _optional(raw: msgspec.Raw, kind: Any) -> Any:
    """A lesser part of a status, None when it is missing or not of its kind."""
    if not bytes(raw):
        return None
    try:
        return msgspec.json.decode(raw, type=kind | None)
    except (ValueError, RecursionError):
        return None


def _list(raw: msgspec.Raw, kind: type[_T]) -> Iterator[_T]:
    """The parts of a list that are of their kind."""
    for part in (_optional(raw, list[msgspec.Raw]) or [])[:_MOST_PARTS]:
        value = _optional(part, kind)
        if value is not None:
            yield value


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if 0 < len(value) <= _MOST_LENGTH))[:_MOST_PARTS]
