"""Every act of the clerk in one table: its key, its words, and when it makes sense.

The footer, the help page, the command palette and the key bindings all read this table, and nothing else names a
key. ``id`` is the act's permanent name (a key map may point it at another key); the act itself is the method of that
name in :mod:`tui.acts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from feedmon.wire import AgendaItem, Decision, DecisionKind, FlagState, FlagView, Mark, Moment, Phase
from tui.model.flaglist import Showing


class Group(StrEnum):
    """What an act is about; the footer gives a line to each of the first two."""

    FLAG = "Flag"
    ROOM = "Room"
    DESK = "Desk"
    MOVE = "Move"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the acts need to know to say whether they make sense now.

    ``unseen`` counts flags not yet on screen; ``covered`` says that discretion keeps something back here, ``lifted``
    that it is shown just now.
    """

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
    covered: bool
    lifted: bool


@dataclass(frozen=True, slots=True)
class Act:
    """One act. ``label`` is the footer's word for it now; ``help`` the whole sentence.

    ``hindrance`` says why it makes no sense now, and is empty when it does.
    """

    id: str
    keys: str
    shown: str
    group: Group
    label: Callable[[Situation], str]
    hindrance: Callable[[Situation], str]
    help: str


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


_VERBS = {
    DecisionKind.DISMISS: "dismiss",
    DecisionKind.KEEP: "keep",
    DecisionKind.CONFIRM: "confirm",
    DecisionKind.TELL_CHAIR: "tell",
    DecisionKind.REFER: "refer",
    DecisionKind.NOTE: "note",
}


def _undo_label(now: Situation) -> str:
    return f"undo {_VERBS[now.undo.kind]}" if now.undo else "undo"


def _undo(now: Situation) -> str:
    return "" if now.undo else "There is no decision to undo."


def _unseen(now: Situation) -> str:
    return "" if now.unseen else "No new flag is waiting below."


def _unveil_label(now: Situation) -> str:
    return "veil" if now.lifted else "unveil"


def _unveil(now: Situation) -> str:
    return "" if now.covered else "Nothing is veiled here."


def _take_back(now: Situation) -> str:
    return "" if now.undo_mark else "There is no mark to take back."


def _view(now: Situation) -> str:
    return "" if now.narrow else "Everything is in view already."


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


def _exclude(now: Situation) -> str:
    return "readmit" if now.moment.public_excluded else "exclude"


def _recording(now: Situation) -> str:
    return "rec on" if now.moment.recording_suspended else "rec off"


def _posting(now: Situation) -> str:
    return "posts on" if now.moment.asked_not_to_post else "posts off"


def _adjourn(now: Situation) -> str:
    return "resume" if now.moment.phase is Phase.ADJOURNED else "adjourn"


FLAG, ROOM, DESK, MOVE = Group

# fmt: off
ACTS: tuple[Act, ...] = (
    Act("dismiss", "d", "d", FLAG, _says("dismiss"), _dismiss,
        "Dismiss it; the next key says why. That is how the rules learn."),
    Act("keep", "e", "e", FLAG, _says("keep"), _keep,
        "Keep it for later; it stays in the list."),
    Act("confirm", "y", "y", FLAG, _says("confirm"), _confirm,
        "Confirm: a person agrees that it needs following up."),
    Act("tell", "t", "t", FLAG, _says("tell chair"), _needs_flag,
        "Tell the chair, in words you can change first."),
    Act("undo", "u", "u", FLAG, _undo_label, _undo,
        "Undo your last decision, or that about the selected handled flag."),
    Act("unseen", "g", "g", FLAG, lambda now: f"{now.unseen} new", _unseen,
        "Go to the first new flag below that was not on screen yet."),

    Act("unveil", "w", "w", FLAG, _unveil_label, _unveil,
        "Show its veiled words and closed titles, until you move on."),

    Act("open", "o", "o", ROOM, _says("open"), _open,
        "The chair opens the meeting."),
    Act("next", "n", "n", ROOM, _says("next"), _next,
        "The next item begins."),
    Act("pick", "i", "i", ROOM, _says("item"), _pick,
        "Pick the item that begins, in any order."),
    Act("exclude", "x", "x", ROOM, _exclude, _while_on,
        "The public are excluded (asks for item and words), or readmitted."),
    Act("recording", "r", "r", ROOM, _recording, _while_on,
        "The chair suspends recording, or lets it resume."),
    Act("posting", "p", "p", ROOM, _posting, _while_on,
        "The chair asks members not to post, or lifts that."),
    Act("adjourn", "a", "a", ROOM, _adjourn, _while_on,
        "The meeting adjourns, or resumes with the item it broke off."),
    Act("close", "c", "c", ROOM, _says("close"), _while_on,
        "The chair closes the meeting (asks once: c again)."),
    Act("take_back", "U", "U", ROOM, _says("unmark"), _take_back,
        "Take back the last mark; posts are judged again without it."),

    Act("chair_link", "l", "l", DESK, _says("chair link"), _nothing,
        "Make a link that opens the chair's page, once, on one device."),
    Act("capture", "m", "m", DESK, _says("capture"), _nothing,
        "Capture a post by hand, from where no feed reaches."),
    Act("view", "v", "v", DESK, _says("view"), _view,
        "On a small screen: show the flag, the agenda or the sources."),
    Act("filter", "f", "f", DESK, lambda now: f"show {now.showing.following}", _nothing,
        "Show the standing flags, the handled ones, or all of them."),
    Act("blank", "z,ctrl+l", "z", DESK, _says("blank"), _nothing,
        "Show only calm until a key is pressed; Ctrl+L from anywhere."),
    Act("help", "question_mark,f1", "?", DESK, _says("help"), _nothing,
        "This page."),
    Act("quit", "q", "q", DESK, _says("quit"), _nothing,
        "Leave the desk."),

    Act("down", "j,down", "j ↓", MOVE, _says("down"), _nothing, "The next flag."),
    Act("up", "k,up", "k ↑", MOVE, _says("up"), _nothing, "The flag before."),
    Act("first", "home", "Home", MOVE, _says("first"), _nothing, "The first flag."),
    Act("last", "end,G", "End", MOVE, _says("last"), _nothing, "The last flag."),
    Act("page_down", "space,pagedown", "Space", MOVE, _says("read on"), _nothing,
        "Read on in the post and its explanation."),
    Act("page_up", "b,pageup", "b", MOVE, _says("read back"), _nothing, "Read back."),
    Act("read", "enter", "Enter", MOVE, _says("read"), _needs_flag,
        "Read with the arrows. Tab goes round the panels."),
    Act("back", "escape", "Esc", MOVE, _says("back"), _nothing, "Back one step."),
)
# fmt: on


def act(act_id: str) -> Act:
    """The act of this name. Raises KeyError when there is none."""
    return _BY_ID[act_id]


_BY_ID = {entry.id: entry for entry in ACTS}
