"""``feedmon capture``: put a post from where no feed reaches before the service, by hand."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import aiohttp
import click
import msgspec

from feedmon.documents.files import place_of
from feedmon.model.posts import MediaKind
from feedmon.model.problems import BadInput, Problem, did_you_mean
from feedmon.wire import CaptureLink, CaptureRequest, Done, Refusal

_TOKEN = "FEEDMON_TOKEN"  # noqa: S105  (a variable's name)
_TRIES, _PATIENCE = 3, 15.0
_T = TypeVar("_T")


class _Listed(msgspec.Struct):
    id: str
    title: str


@click.command()
@click.option("--who", metavar="NAME", help="Who posted: the name or handle shown there.")
@click.option("--where", metavar="NETWORK", help="Where, in one word: facebook, linkedin, whatsapp …")
@click.option("--text", help="What it says; “-” reads it from standard input.")
@click.option(
    "--when", metavar="TIME", help="When it was posted: 19:42 (today), or 2026-03-05T19:42. Now, if left out."
)
@click.option("--url", default="", metavar="URL", help="Where it can be seen.")
@click.option("--member", metavar="ID", help="Whose account it is; the meeting file must have it.")
@click.option("--with", "media", multiple=True, type=click.Choice(list(MediaKind)), help="What is attached to it.")
@click.option("--by", metavar="NAME", help="Who captures it. Your name on this computer, if left out.")
@click.option("--id", "capture_id", metavar="ID", help="Send again what may have been sent before, under its id.")
@click.option("--browser", is_flag=True, help="Open the form in a browser instead, where a bookmark can fill it in.")
@click.option("--meeting", metavar="ID", help="Which meeting, when several are followed.")
@click.option(
    "--service", default="http://127.0.0.1:8642", show_default=True, metavar="URL", help="Where feedmon runs."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    default=Path("feedmon-data/token"),
    show_default=True,
    help=f"The service's token, unless {_TOKEN} is in the environment.",
)
def capture(
    who: str | None,
    where: str | None,
    text: str | None,
    when: str | None,
    url: str,
    member: str | None,
    media: tuple[str, ...],
    by: str | None,
    capture_id: str | None,
    browser: bool,
    meeting: str | None,
    service: str,
    token_file: Path,
) -> None:
    """Put a post before the running service by hand, as from Facebook, LinkedIn or a message someone shows you.

    What is left out is asked for. The post is judged like any other, and marked as captured by hand, and by whom.
    """
    service = service.rstrip("/")
    token = os.environ.get(_TOKEN, "").strip() or _token_in(token_file)
    if browser:
        link = asyncio.run(_linked(service, token, meeting))
        click.echo(f"capture: {link}  (opens once)")
        click.launch(link)
        return
    at = _instant(when) if when else None
    where = where or click.prompt("Where (facebook, linkedin, whatsapp …)")
    who = who or click.prompt("Who posted it")
    if text == "-":
        text = sys.stdin.read().rstrip("\n")
    elif text is None:
        text = click.prompt("What it says", default="" if media else None, show_default=False)
    request = CaptureRequest(
        id=capture_id or uuid.uuid4().hex,
        network=where.strip().lower(),
        author=who.strip(),
        text=text,
        at=at,
        url=url.strip(),
        member=member,
        media=tuple(MediaKind(kind) for kind in media),
        by=by or _user(),
    )
    done = asyncio.run(_sent(service, token, meeting, request))
    click.echo(f"In the journal at entry {done.entry}." if done.entry else "Taken in.")
    if done.warning:
        click.echo(done.warning, err=True)


async def _sent(service: str, token: str, meeting: str | None, request: CaptureRequest) -> Done:
    again = f" If it answered before, send the same again with --id {request.id}."
    async with _talking(service, token, again) as session:
        path = await _path(session, service, meeting, "captures")
        body = msgspec.json.encode(request)
        for _ in range(_TRIES - 1):
            with suppress(aiohttp.ClientError, OSError):  # sending the same again is safe
                return await _answer(session, "POST", path, Done, body)
        return await _answer(session, "POST", path, Done, body)


async def _linked(service: str, token: str, meeting: str | None) -> str:
    async with _talking(service, token) as session:
        path = await _path(session, service, meeting, "capture-link")
        return (await _answer(session, "POST", path, CaptureLink)).url


@asynccontextmanager
async def _talking(service: str, token: str, again: str = "") -> AsyncIterator[aiohttp.ClientSession]:
    """A session that carries the token. Raises BadInput when no service answers, or something else does."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=_PATIENCE)) as session:
            yield session
    except (aiohttp.ClientError, OSError, ValueError) as error:
        mend = f"Start it with “feedmon run”, or say where it is with --service.{again}"
        raise BadInput(Problem(f"--service {service}", "no feedmon answers there.", mend)) from error


async def _path(session: aiohttp.ClientSession, service: str, meeting: str | None, what: str) -> str:
    listed = await _answer(session, "GET", f"{service}/api/v1/meetings", list[_Listed])
    return f"{service}/api/v1/meetings/{_chosen(listed, meeting)}/{what}"


async def _answer(
    session: aiohttp.ClientSession, method: str, url: str, kind: type[_T], body: bytes | None = None
) -> _T:
    async with session.request(method, url, data=body, allow_redirects=False) as answer:
        content = await answer.read()
        if answer.status == 200:
            return msgspec.json.decode(content, type=kind)
        refusal = msgspec.json.decode(content, type=Refusal)
    place = "--token-file" if answer.status == 401 else "feedmon"
    raise BadInput(Problem(place, refusal.error, refusal.mend))


def _chosen(listed: list[_Listed], meeting: str | None) -> str:
    ids = [one.id for one in listed]
    if meeting is None and len(ids) == 1:
        return ids[0]
    if meeting in ids:
        return str(meeting)
    if meeting is None:
        raise BadInput(Problem("--meeting", f"is needed: {len(ids)} are followed.", did_you_mean("", ids)))
    raise BadInput(Problem("--meeting", f"no meeting “{meeting}” is followed there.", did_you_mean(meeting, ids)))


def _instant(text: str) -> datetime:
    """A time as a person says it, in this computer's zone unless it names another."""
    try:
        today = f"{datetime.now().astimezone():%Y-%m-%d}T" if "-" not in text else ""
        return datetime.fromisoformat(today + text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise BadInput(Problem("--when", f"“{text}” is no time.", "Write it as 19:42 or 2026-03-05T19:42.")) from error


def _token_in(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds no token"
        mend = f"Name the one “feedmon run” says, or put the token into {_TOKEN}."
        raise BadInput(Problem(f"--token-file {place_of(file)}", f"cannot be read: {why}.", mend)) from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "clerk"
