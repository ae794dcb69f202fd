"""What the people of the demo do: the clerk marks the agenda at the right time, decides, and the chair looks.

Everything goes over HTTP, as from a desk and a tablet. Whatever a person at a desk has marked already is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import aiohttp
import msgspec

from feedmon.cli.demo_desk import DemoDesk, DemoFailed
from feedmon.model.instants import Clock
from feedmon.model.timeline import Mark, Timeline
from feedmon.wire import DecisionKind, DecisionRequest, DismissReason, FlagView, MarkRequest

DISMISSED = "profanity"
TOLD = "closed_session_post"
"""The kinds of flag of which the scripted clerk dismisses the first, and tells the chair of the first."""


async def mark_the_agenda(marks: Iterable[Mark], desk: DemoDesk, clock: Clock) -> None:
    """Make each mark when the clerk of the sample said it, unless the room is so already."""
    for mark in sorted(marks, key=lambda one: (one.said_at, one.id)):
        await clock.sleep_until(mark.said_at)
        if _is_news(mark, desk.timeline, desk.marks):
            await desk.mark(_request(mark))


async def dismiss_one(desk: DemoDesk) -> None:
    """Dismiss the first flag of its kind: nobody was sworn at."""
    view = await _first(DISMISSED, desk)
    await desk.decide(
        DecisionRequest(
            id="demo-dismissed",
            flag=view.flag.id,
            kind=DecisionKind.DISMISS,
            reason=DismissReason.NOT_ABOUT_A_PERSON,
        )
    )


async def tell_the_chair_of_one(desk: DemoDesk) -> None:
    """Tell the chair of the first flag of its kind; the chair opens the link, reads, and presses *seen*.

    Raises DemoFailed when the page does not show what it should.
    """
    view = await _first(TOLD, desk)
    words = view.flag.chair_words
    await desk.decide(DecisionRequest(id="demo-told", flag=view.flag.id, kind=DecisionKind.TELL_CHAIR, words=words))
    link = await desk.chair_link()
    jar = aiohttp.CookieJar(unsafe=True)  # a cookie of an address without a name, as this machine's is
    async with aiohttp.ClientSession(cookie_jar=jar) as tablet:
        async with tablet.get(link) as answer:
            page = await answer.text()
        button = re.search(r'name="flag" value="([^"]+)"', page)
        if answer.status != 200 or button is None or button.group(1) != view.flag.id:
            raise DemoFailed("the chair's page does not show what the chair was told")
        async with tablet.post(answer.url.with_path("/chair/seen"), data={"flag": view.flag.id}) as answer:
            if answer.status != 200:
                raise DemoFailed(f"the chair's “seen” was answered {answer.status}")
    await desk.until(lambda: view.flag.id in desk.seen_by_chair)


async def _first(kind: str, desk: DemoDesk) -> FlagView:
    def found() -> FlagView | None:
        return next((view for view in desk.standing() if view.flag.kind == kind), None)

    await desk.until(lambda: found() is not None)
    view = found()
    if view is None:
        raise DemoFailed(f"the flag “{kind}” went as soon as it came")
    return view


def _is_news(mark: Mark, known: Timeline, marks: dict[str, Mark]) -> bool:
    """Whether a mark tells something new: not a correction of what a person marked instead, nor what is so already."""
    if mark.supersedes is not None:
        return mark.supersedes in marks
    return _room(known, mark) != _room(known.adding(mark), mark)


def _room(timeline: Timeline, mark: Mark) -> dict[str, object]:
    """What is so once everything said by now has taken effect."""
    moment = msgspec.structs.asdict(timeline.moment(mark.said_at))
    return {name: value for name, value in moment.items() if not name.endswith(("_since", "_until"))}


def _request(mark: Mark) -> MarkRequest:
    fields = {name: value for name, value in msgspec.structs.asdict(mark).items() if name != "entered_at"}
    return MarkRequest(**fields)
