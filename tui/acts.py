"""What each key does: the clerk's acts, named as in :mod:`tui.keys`.

An act shows on the screen at once and is then sent; when the service has answered, the line above the keys says what
came of it. Nothing asks "are you sure" that can be taken back.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, tzinfo
from typing import Protocol, TypeVar

from feedmon.wire import (
    ChairLink,
    Decision,
    DecisionKind,
    DecisionRequest,
    DismissReason,
    FlagView,
    Mark,
    MarkKind,
    MarkRequest,
    Moment,
    Phase,
    Refusal,
)
from tui import words as phrases
from tui.link import Condition, Link, Outcome
from tui.model.agenda import next_item
from tui.model.capture import Draft, Unreadable
from tui.model.desk import Desk
from tui.model.flaglist import FlagList
from tui.screens.capture import Capture
from tui.screens.help import Help
from tui.screens.questions import Confirm, PickItem, Question, Reason
from tui.screens.wordings import Exclude, LinkShown, Tell
from tui.signs import DONE, HINT, REFUSED, WAITING, Sign

T = TypeVar("T")


class Hands(Protocol):
    """What acts need of the screen they are made on."""

    desk: Desk
    flags: FlagList
    link: Link
    zone: tzinfo

    def now(self) -> datetime:
        """The meeting's present instant."""
        ...

    def say(self, sign: Sign, words: str) -> None:
        """Tell the clerk what an act came to."""
        ...

    def repaint(self) -> None:
        """Draw what is so now."""
        ...

    async def ask(self, question: Question[T]) -> T | None:
        """Put a question to the clerk; None when they back out."""
        ...

    async def in_view(self) -> None:
        """Wait while the screen shows nothing but calm."""
        ...

    def go_on(self, doing: Coroutine[None, None, None]) -> None:
        """Do something that outlives the question it was begun in."""
        ...

    async def leave(self) -> None:
        """Close the desk."""
        ...


def own_prefix() -> str:
    """What every id made at this desk begins with, and none made at another."""
    return f"desk-{secrets.token_hex(6)}-"


class Acts:
    """The clerk's acts at one desk."""

    def __init__(self, hands: Hands, stops_service: bool) -> None:
        self._hands = hands
        self._stops_service = stops_service
        self._made = 0
        self._draft = Draft()
        self._capturing: Draft | None = None

    async def dismiss(self) -> None:
        """Dismiss the selected flag, with the reason the next key gives."""
        if view := self._selected():
            reason = await self._hands.ask(Reason())
            if reason is not None:
                await self._decide(view.flag.id, DecisionKind.DISMISS, reason=reason)

    async def keep(self) -> None:
        """Keep the selected flag for later."""
        if view := self._selected():
            await self._decide(view.flag.id, DecisionKind.KEEP)

    async def confirm(self) -> None:
        """Confirm the selected flag."""
        if view := self._selected():
            await self._decide(view.flag.id, DecisionKind.CONFIRM)

    async def tell(self) -> None:
        """Tell the chair of the selected flag."""
        if view := self._selected():
            said = await self._hands.ask(Tell(view))
            if said is not None:
                await self._decide(view.flag.id, DecisionKind.TELL_CHAIR, words=said)

    async def undo(self) -> None:
        """Undo the last decision, or the selected handled flag's."""
        if decision := self._hands.desk.undoable(self._hands.flags.cursor):
            said = f"Undone: {phrases.decision(decision).lower()}"
            await self._decide(decision.flag, DecisionKind.UNDO, undoes=decision.id, said=said)

    async def open(self) -> None:
        """The chair opens the meeting."""
        await self._mark(MarkKind.OPENED)

    async def next(self) -> None:
        """The next item begins."""
        if item := next_item(self._hands.desk, self._hands.now()):
            await self._mark(MarkKind.ITEM_STARTED, item=item.number)
            if item.closed and not self._moment().public_excluded:
                self._hands.say(HINT, "The agenda prints this item as closed. Press x once the public are excluded.")

    async def pick(self) -> None:
        """The item the clerk picks begins."""
        meeting, moment = self._hands.desk.meeting, self._moment()
        number = await self._hands.ask(PickItem(meeting, moment.item or moment.previous_item))
        if number is not None:
            await self._mark(MarkKind.ITEM_STARTED, item=number)

    async def exclude(self) -> None:
        """The public are excluded, or readmitted."""
        moment = self._moment()
        if moment.public_excluded:
            await self._mark(MarkKind.PUBLIC_READMITTED)
            return
        resolved = await self._hands.ask(Exclude(self._hands.desk.meeting, moment.item))
        if resolved is not None:
            await self._mark(MarkKind.PUBLIC_EXCLUDED, item=resolved.item, note=resolved.words)

    async def recording(self) -> None:
        """Recording is suspended, or resumes."""
        suspended = self._moment().recording_suspended
        await self._mark(MarkKind.RECORDING_RESUMED if suspended else MarkKind.RECORDING_SUSPENDED)

    async def posting(self) -> None:
        """Members are asked not to post, or may again."""
        asked = self._moment().asked_not_to_post
        await self._mark(MarkKind.POSTING_ALLOWED if asked else MarkKind.ASKED_NOT_TO_POST)

    async def adjourn(self) -> None:
        """The meeting adjourns, or resumes."""
        adjourned = self._moment().phase is Phase.ADJOURNED
        await self._mark(MarkKind.RESUMED if adjourned else MarkKind.ADJOURNED)

    async def close(self) -> None:
        """The chair closes the meeting."""
        question = Confirm(
            "Has the chair closed the meeting?",
            "Nothing more can be marked then. Should it be a mistake, U takes it back.",
            "c",
            "closed",
        )
        if await self._hands.ask(question):
            await self._mark(MarkKind.CLOSED)

    async def take_back(self) -> None:
        """Take back the last mark."""
        if last := self._hands.desk.undoable_mark():
            said = f"Taken back: {phrases.mark(last, self._hands.desk.meeting)}"
            await self._mark(MarkKind.WITHDRAWN, supersedes=last.id, said=said)

    async def chair_link(self) -> None:
        """Make a link to the chair's page and show it."""
        self._hands.say(WAITING, "Making a link for the chair")
        outcome = await self._hands.link.chair_link()
        if isinstance(outcome, ChairLink):
            self._hands.say(DONE, "A link for the chair is ready; it opens once")
            await self._hands.ask(LinkShown(outcome.url))
        elif isinstance(outcome, Refusal):
            self._hands.say(REFUSED, f"No link for the chair. {outcome.error} {outcome.mend}")

    async def capture(self) -> None:
        """Enter a post by hand, on a form that stays until the service has taken it."""
        form = Capture(self._hands.desk.meeting, self._draft, self._give)
        left = await self._hands.ask(form)
        if left is not None:
            self._draft = Draft() if left == self._capturing else left

    def _give(self, form: Capture, draft: Draft) -> None:
        if self._capturing is not None:
            form.waiting("The last one is still on its way; this is kept until it is answered.")
            return
        try:
            request = draft.request(self._id(), self._hands.now(), self._hands.zone)
        except Unreadable as error:
            form.refused(str(error))
            return
        self._capturing = draft
        live = self._hands.link.state.condition is Condition.LIVE
        form.waiting(
            "Sending it" if live else "It is sent as soon as the link is back. You may leave this form with Esc."
        )
        self._hands.go_on(self._captured(form, draft, self._hands.link.capture(request)))

    async def _captured(self, form: Capture, draft: Draft, answer: Awaitable[Outcome]) -> None:
        outcome = await answer
        await self._hands.in_view()
        self._capturing = None
        whose = f"what {draft.who.strip()} posted on {draft.where.strip()}"
        if isinstance(outcome, Refusal):
            if self._draft == Draft():
                self._draft = draft
            form.refused(f"{outcome.error} {outcome.mend}")
            self._hands.say(REFUSED, f"Not captured: {outcome.error} {outcome.mend} m has it as you typed it.")
        else:
            if self._draft == draft:
                self._draft = Draft()
            form.taken(draft)
            self._hands.say(DONE, f"Captured: {whose}. {getattr(outcome, 'warning', '')}")

    async def help(self) -> None:
        """Show the help page."""
        await self._hands.ask(Help())

    async def quit(self) -> None:
        """Leave the desk, after asking once."""
        unsent = self._hands.link.unsent
        if unsent:
            why = f"{unsent} of your acts did not reach the service yet and would be lost."
        elif self._stops_service:
            why = "The service was started with this desk and stops with it: nothing is followed after that."
        else:
            why = "The service goes on without it; you can come back at any time."
        if self._draft != Draft():
            why = f"{why} What you began to capture (m) was not sent and would be lost."
        if await self._hands.ask(Confirm("Leave the desk?", why, "q", "leave")):
            await self._hands.leave()

    def _selected(self) -> FlagView | None:
        return self._hands.desk.flag(self._hands.flags.cursor)

    def _moment(self) -> Moment:
        return self._hands.desk.moment(self._hands.now())

    async def _mark(
        self,
        kind: MarkKind,
        *,
        item: str | None = None,
        note: str = "",
        supersedes: str | None = None,
        said: str = "",
    ) -> None:
        now = self._hands.now()
        request = MarkRequest(id=self._id(), kind=kind, at=now, item=item, note=note, supersedes=supersedes)
        mark = request.stamped(now)
        said = said or phrases.mark(mark, self._hands.desk.meeting)
        await self._carry_out(mark, said, lambda: self._hands.link.mark(request))

    async def _decide(
        self,
        flag: str,
        kind: DecisionKind,
        *,
        reason: DismissReason | None = None,
        words: str = "",
        undoes: str | None = None,
        said: str = "",
    ) -> None:
        now = self._hands.now()
        request = DecisionRequest(
            id=self._id(), flag=flag, kind=kind, at=now, reason=reason, words=words, undoes=undoes
        )
        decision = request.stamped(now)
        await self._carry_out(decision, said or phrases.decision(decision), lambda: self._hands.link.decide(request))

    async def _carry_out(self, act: Mark | Decision, said: str, send: Callable[[], Awaitable[Outcome]]) -> None:
        hands = self._hands
        hands.desk.expect(act)
        answer = send()
        if hands.link.state.condition is Condition.LIVE:
            hands.say(WAITING, said)
        else:
            hands.say(WAITING, f"{said}: noted for now, and sent as soon as the link is back")
        hands.repaint()
        outcome = await answer
        if isinstance(outcome, Refusal):
            hands.desk.take_back(act)
            hands.say(REFUSED, f"Not done: {outcome.error} {outcome.mend} ({said})")
            hands.repaint()
        else:
            warning = getattr(outcome, "warning", "")
            hands.say(DONE, f"{said}. {warning}" if warning else said)

    def _id(self) -> str:
        self._made += 1
        return f"{self._hands.desk.own}{self._made:06}"
