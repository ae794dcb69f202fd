"""Every act of the clerk in one table: its key, its words, and when it makes sense.

The footer, the help page, the command palette and the key bindings all read this table, and nothing else names a
key. ``id`` is the act's permanent name (a key map may point it at another key); the act itself is the method of that
name in :mod:`tui.acts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from feedmon.wire import AgendaItem, Decision, FlagState, FlagView, Mark, Moment, Phase
from tui.model.flaglist import Showing
from tui.signs import DECISION


class Group(StrEnum):
    """What an act is about; the footer gives a line to each of the first two."""

    FLAG = "Flag"
    ROOM = "Room"
    DESK = "Desk"
    MOVE = "Move"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the acts need to know to say whether they make sense now. ``unseen`` counts flags not yet on screen."""

    moment: Moment
    flag: FlagView | None
    state: FlagState | None
    undo: Decision | None
    undo_mark: Mark | None
    next_item: AgendaItem | None
    has_items: bool
    showing: Showing
    unseen: int
    narrow: bool


@dataclass(frozen=True, slots=True)
class Act:
    """One act. ``label`` is the footer's word for it now; ``help`` the whole sentence.

    ``hindrance`` says why it makes no sense now, and is empty when it does.
    """

    id: str
    keys: str
    shown: str
    group: Group
    help: str
    label: Callable[[Situation], str]
    hindrance: Callable[[Situation], str]
    always_shown: bool = False


def _nothing(_: Situation) -> str:
    return ""


def _says(word: str) -> Callable[[Situation], str]:
    return lambda _: word


def _needs_flag(now: Situation) -> str:
    return "" if now.flag else "No flag is selected."


def _dismiss(now: Situation) -> str:
    return "It is dismissed already." if now.state is FlagState.DISMISSED else _needs_flag(now)


def _keep(now: Situation) -> str:
    return "It is kept for later already." if now.state is FlagState.KEPT else _needs_flag(now)


def _confirm(now: Situation) -> str:
    return "It is confirmed already." if now.state is FlagState.CONFIRMED else _needs_flag(now)


def _undo_label(now: Situation) -> str:
    return f"undo “{DECISION[now.undo.kind].lower()}”" if now.undo else "undo"


def _while_on(now: Situation) -> str:
    match now.moment.phase:
        case Phase.NOT_STARTED:
            return "The meeting is not open yet: press o when the chair opens it, or n for the first item."
        case Phase.ENDED:
            return "The meeting is closed. Press U to take the close back."
    return ""


def _open(now: Situation) -> str:
    return "" if now.moment.phase is Phase.NOT_STARTED else "The meeting was opened already."


def _next(now: Situation) -> str:
    if now.moment.phase is Phase.ENDED:
        return _while_on(now)
    if not now.has_items:
        return "This meeting's file has no agenda items."
    return (
        ""
        if now.next_item
        else "That was the last item. Press c when the chair closes the meeting, i for another item."
    )


def _pick(now: Situation) -> str:
    if now.moment.phase is Phase.ENDED:
        return _while_on(now)
    return "" if now.has_items else "This meeting's file has no agenda items."


def _toggle(so: Callable[[Situation], bool], on: str, off: str) -> Callable[[Situation], str]:
    return lambda now: off if so(now) else on


ACTS: tuple[Act, ...] = (
    Act(
        "dismiss",
        "d",
        "d",
        Group.FLAG,
        "Dismiss the flag; the next key says why. That is how the rules learn.",
        _says("dismiss"),
        _dismiss,
    ),
    Act("keep", "e", "e", Group.FLAG, "Keep the flag for later; it stays in the list.", _says("keep"), _keep),
    Act(
        "confirm",
        "y",
        "y",
        Group.FLAG,
        "Confirm: a person agrees that it needs following up.",
        _says("confirm"),
        _confirm,
    ),
    Act(
        "tell", "t", "t", Group.FLAG, "Tell the chair, in words you can change first.", _says("tell chair"), _needs_flag
    ),
    Act(
        "undo",
        "u",
        "u",
        Group.FLAG,
        "Undo your last decision; on a handled flag, the decision about that flag.",
        _undo_label,
        lambda now: "" if now.undo else "There is no decision to undo.",
    ),
    Act(
        "unseen",
        "g",
        "g",
        Group.FLAG,
        "Go to the first new flag below that you have not had on screen.",
        lambda now: f"{now.unseen} new",
        lambda now: "" if now.unseen else "No new flag is waiting below.",
    ),
    Act(
        "filter",
        "f",
        "f",
        Group.FLAG,
        "Show the standing flags, the handled ones, or all of them.",
        lambda now: f"show {now.showing.following}",
        _nothing,
    ),
    Act(
        "open",
        "o",
        "o",
        Group.ROOM,
        "The chair opens the meeting.",
        _says("open"),
        _open,
    ),
    Act(
        "next",
        "n",
        "n",
        Group.ROOM,
        "The next item begins. U takes it back.",
        lambda now: f"next: {now.next_item.number}" if now.next_item else "next",
        _next,
    ),
    Act("pick", "i", "i", Group.ROOM, "Pick the item that begins, in any order.", _says("item"), _pick),
    Act(
        "exclude",
        "x",
        "x",
        Group.ROOM,
        "The public are excluded (you give the item and the words of the resolution), or readmitted.",
        _toggle(lambda now: now.moment.public_excluded, "exclude", "readmit"),
        _while_on,
    ),
    Act(
        "recording",
        "r",
        "r",
        Group.ROOM,
        "The chair suspends recording, or lets it resume.",
        _toggle(lambda now: now.moment.recording_suspended, "stop rec.", "allow rec."),
        _while_on,
    ),
    Act(
        "posting",
        "p",
        "p",
        Group.ROOM,
        "The chair asks members not to post, or lifts that.",
        _toggle(lambda now: now.moment.asked_not_to_post, "no posts", "allow posts"),
        _while_on,
    ),
    Act(
        "adjourn",
        "a",
        "a",
        Group.ROOM,
        "The meeting adjourns, or resumes with the item it broke off.",
        _toggle(lambda now: now.moment.phase is Phase.ADJOURNED, "adjourn", "resume"),
        _while_on,
    ),
    Act("close", "c", "c", Group.ROOM, "The chair closes the meeting (asks once: c again).", _says("close"), _while_on),
    Act(
        "take_back",
        "U",
        "U",
        Group.ROOM,
        "Take back the last mark of the room; posts are judged again without it.",
        _says("take back"),
        lambda now: "" if now.undo_mark else "There is no mark to take back.",
    ),
    Act(
        "chair_link",
        "l",
        "l",
        Group.DESK,
        "Make a link that opens the chair's page, once, on one device.",
        _says("chair link"),
        _nothing,
    ),
    Act(
        "view",
        "v",
        "v",
        Group.DESK,
        "On a small screen: show the flag, the agenda or the sources below the list.",
        _says("view"),
        lambda now: "" if now.narrow else "Everything is in view already.",
    ),
    Act("help", "question_mark,f1", "?", Group.DESK, "This page.", _says("help"), _nothing, always_shown=True),
    Act("quit", "q", "q", Group.DESK, "Leave the desk.", _says("quit"), _nothing, always_shown=True),
    Act("down", "j,down", "j ↓", Group.MOVE, "The next flag.", _says("down"), _nothing),
    Act("up", "k,up", "k ↑", Group.MOVE, "The flag before.", _says("up"), _nothing),
    Act("first", "home", "Home", Group.MOVE, "The first flag.", _says("first"), _nothing),
    Act("last", "end,G", "End", Group.MOVE, "The last flag.", _says("last"), _nothing),
    Act(
        "page_down",
        "space,pagedown",
        "Space",
        Group.MOVE,
        "Read on in the post and its explanation.",
        _says("read on"),
        _nothing,
    ),
    Act("page_up", "b,pageup", "b", Group.MOVE, "Read back.", _says("read back"), _nothing),
    Act(
        "read",
        "enter",
        "Enter",
        Group.MOVE,
        "Read the flag, with the arrows; on a small screen it takes the room of the list.",
        _says("read"),
        _needs_flag,
    ),
    Act("back", "escape", "Esc", Group.MOVE, "Back one step.", _says("back"), _nothing),
)


def act(act_id: str) -> Act:
    """The act of this name. Raises KeyError when there is none."""
    return _BY_ID[act_id]


_BY_ID = {entry.id: entry for entry in ACTS}
