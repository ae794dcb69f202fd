"""Posts entered by hand, from where no feed reaches: what can be one, and what looks odd about it. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from feedmon.model.meeting import Account, Meeting
from feedmon.model.posts import Author, Media, Post
from feedmon.model.problems import did_you_mean
from feedmon.service.acts import Answer
from feedmon.service.refusals import Refused
from feedmon.service.words import clock_time
from feedmon.sources.select import hashtags_in
from feedmon.wire import CaptureRequest

SOURCE = "by hand"
"""What stands for the feed's name on a post that none brought."""

NOT_WRITTEN = "It raises no flag and its author is no member, so it is counted and not written down."

_AHEAD = timedelta(minutes=2)
_NETWORK = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'…]")
_MOST_TEXT, _MOST_NAME, _MOST_URL = 30_000, 200, 2_048


def checked(request: CaptureRequest, meeting: Meeting, now: datetime) -> Post:
    """The post that is entered. Raises Refused (400) when it cannot be one, or not one of this meeting's time."""
    if not request.id.strip() or len(request.id) > _MOST_NAME:
        raise Refused(400, "A capture needs an id of its own.", "Any text of up to 200 characters does.")
    if not _NETWORK.fullmatch(request.network):
        raise Refused(400, "“network” says where the post is, in one word.", "For instance: facebook.")
    for what, text in (("author", request.author), ("by", request.by)):
        if not text.strip() or len(text) > _MOST_NAME or not text.isprintable():
            raise Refused(400, f"“{what}” is a name on one line of at most {_MOST_NAME} characters.")
    if not (request.text.strip() or request.media) or len(request.text) > _MOST_TEXT or not _writable(request.text):
        raise Refused(400, f"A post has a text of at most {_MOST_TEXT:,} characters, or media.")
    if request.url and not _is_address(request.url):
        raise Refused(400, "“url” is not the address of a page.", "It begins with https://. It may be left out.")
    at = request.at or now
    if at > now + _AHEAD:
        raise Refused(400, f"{clock_time(at, meeting.timezone)} is still to come.", "Say when it was posted.")
    if at not in meeting.window:
        raise Refused(400, "It was posted outside the time in which this meeting is followed.", "Check “at”.")
    return _post(request, meeting, now)


def repeated(known: Post, request: CaptureRequest, meeting: Meeting) -> Answer:
    """The answer to a capture sent again. Raises Refused (409) when its id was used for another one."""
    again = None
    with suppress(Refused):
        again = _post(request, meeting, known.received_at or known.observed_at)
    if known != again:
        raise Refused(409, f"The id “{request.id}” was used for another act.", "Give each act an id of its own.")
    return Answer()


def odd_about(request: CaptureRequest, post: Post, meeting: Meeting) -> str:
    """What looks odd about a capture that is taken all the same; empty when nothing does."""
    if any(source.kind == request.network for source in meeting.sources):
        return f"This meeting follows {request.network} by itself, so the post may be there twice."
    names = [member.name for member in meeting.members if request.member is None]
    if any(_plain(post.author.name) == _plain(name) for name in names):
        return "A member has that name. If it is their own account, say so with “member”."
    return ""


def _post(request: CaptureRequest, meeting: Meeting, now: datetime) -> Post:
    return Post(
        network=request.network,
        id=request.url or f"by-hand:{request.id}",
        version=request.id,
        author=_author(request, meeting),
        text=request.text,
        observed_at=request.at or now,
        received_at=now,
        links=tuple(dict.fromkeys(_LINK.findall(request.text))),
        hashtags=hashtags_in(request.text),
        media=tuple(Media(kind) for kind in request.media),
        source=SOURCE,
        captured_by=request.by,
    )


def _author(request: CaptureRequest, meeting: Meeting) -> Author:
    """Who posted. Only an account in the meeting file makes it a member's: nobody is taken for one by hearsay."""
    if request.member is None:
        return Author(handle=request.author, name=request.author)
    member = meeting.member(request.member)
    if member is None:
        hint = did_you_mean(request.member, (one.id for one in meeting.members))
        raise Refused(400, f"The roster has no member “{request.member}”.", hint)
    account = _account_on(member.accounts, request.network)
    if account is None:
        raise Refused(
            400,
            f"The meeting file gives {member.name} no account on {request.network}.",
            "Add it there and start feedmon again, or leave “member” out.",
        )
    return Author(handle=account.handle, id=account.id, name=request.author)


def _account_on(accounts: tuple[Account, ...], network: str) -> Account | None:
    return next((account for account in accounts if account.network == network), None)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable() and len(url) <= _MOST_URL
        )
    except ValueError:
        return False


def _writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _plain(name: str) -> str:
    words = name.casefold().split()
    return " ".join(word for word in words if word.strip(".") not in ("cllr", "councillor"))
