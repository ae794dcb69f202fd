"""Sealing closed papers, and keeping the seals beside the meeting file.

A closed paper's text is read once, turned into keyed fingerprints, and let go: it is never written anywhere and never
stands in a message. Two files are kept beside ``meeting.toml``:

* ``meeting.seals.json``: the seals, written whole or not at all;
* ``meeting.seal-key``: the key, 32 random bytes in hexadecimal, readable by its owner alone. A key that ships with an
  invented meeting says ``# published`` on a line of its own: it keeps nothing secret and need not be private.

Sealing a paper again changes nothing; sealing another paper of the same item adds to it.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from feedmon.documents.files import MEGABYTE, place_of, read_text, shown
from feedmon.documents.meeting_file import load_meeting
from feedmon.documents.writing import write_new, write_whole
from feedmon.judgement.sealing import open_texts, seal
from feedmon.model.meeting import AgendaItem, Meeting
from feedmon.model.problems import BadInput, Problem
from feedmon.model.seals import Seal

_KEY_BYTES: Final = 32
_LARGEST_PAPER: Final = 10 * MEGABYTE
_LARGEST_SEALS: Final = 200 * MEGABYTE
_PAPERS: Final = (".txt", ".md")
_PUBLISHED: Final = "# published"


class Sealed(msgspec.Struct, frozen=True):
    """What sealing a paper did: the seal, its item, how many papers that item has now, and whether a key was made."""

    seal: Seal
    item: AgendaItem
    papers: int
    was_there: bool
    key_made: bool


def seals_file(meeting_path: Path) -> Path:
    """Where a meeting's seals are kept."""
    return meeting_path.with_name(f"{meeting_path.stem}.seals.json")


def key_file(meeting_path: Path) -> Path:
    """Where the key to a meeting's seals is kept."""
    return meeting_path.with_name(f"{meeting_path.stem}.seal-key")


def load_seals(meeting_path: Path) -> tuple[tuple[Seal, ...], bytes | None]:
    """A meeting's seals and the key they were made with; no seals and no key when nothing was sealed.

    Raises BadInput when either file cannot be used, or seals have lost their key.
    """
    seals, key = _read_seals(seals_file(meeting_path)), None
    if key_file(meeting_path).exists():
        key = _read_key(key_file(meeting_path))
    elif seals:
        raise BadInput(
            Problem(
                place_of(key_file(meeting_path)),
                "is not there, and without it the seals cannot be compared with anything.",
                f"Put it back, or delete {place_of(seals_file(meeting_path))} and seal the papers again.",
            )
        )
    return seals, key


def key_lies_open(meeting_path: Path) -> Problem | None:
    """What to say when others on this machine may read the key (a published key may be read by anyone)."""
    file = key_file(meeting_path)
    if os.name != "posix" or not file.exists() or _PUBLISHED in read_text(file).splitlines():
        return None
    if not stat.S_IMODE(file.stat().st_mode) & 0o077:
        return None
    place = place_of(file)
    message = "may be read by others, who could then test guesses at the closed papers."
    return Problem(place, message, f"Make it yours alone: chmod 600 {place}")


def seal_paper(meeting_path: Path, number: str, paper: Path, at: datetime, *, alone: bool = False) -> Sealed:
    """Seal a closed paper of agenda item ``number`` at ``at`` (UTC) and keep the seal beside the meeting file.

    With ``alone`` it takes the place of every paper sealed before for this item. On return the seal is on disk.
    Raises BadInput, naming no word of the paper, when the item is not a closed one, the paper cannot be used, the key
    is unfit or lies open, or the files cannot be written.
    """
    meeting = load_meeting(meeting_path)
    item = _closed_item(meeting, number, meeting_path)
    text = _read_paper(paper)
    with _alone_with(meeting_path):
        open_key = key_lies_open(meeting_path)
        if open_key is not None:
            raise BadInput(open_key)
        before, known_key = load_seals(meeting_path)
        key = known_key or secrets.token_bytes(_KEY_BYTES)
        new = _seal(text, item, key, at, meeting, paper)
        same = [one for one in before if one.item == new.item and (one.runs, one.figures) == (new.runs, new.figures)]
        others = [one for one in before if one not in same and not (alone and one.item == new.item)]
        if known_key is None:
            write_new(key_file(meeting_path), f"{key.hex()}\n".encode(), private=True)
        write_whole(seals_file(meeting_path), _as_lines([*others, new]), private=True)
    papers = 1 + sum(one.item == new.item for one in others)
    return Sealed(new, item, papers, was_there=bool(same), key_made=known_key is None)


def _closed_item(meeting: Meeting, number: str, meeting_path: Path) -> AgendaItem:
    item = meeting.item(number) or meeting.item(_only_near(number, [item.number for item in meeting.items]))
    place = place_of(meeting_path)
    if item is None:
        closed = "; ".join(f"{item.number} “{shown(item.title, 50)}”" for item in meeting.items if item.closed)
        mend = f"Its closed items: {closed}." if closed else "None of its items is marked closed."
        raise BadInput(Problem(place, f"has no item “{shown(number)}”.", mend))
    if not item.closed:
        message = f"item {item.number} “{shown(item.title)}” is not marked closed, so its papers are taken for public."
        raise BadInput(Problem(place, message, "If it is closed, add closed = true to the item."))
    return item


def _only_near(number: str, known: Sequence[str]) -> str | None:
    """The one known number that differs in case, spaces and full stops alone (“9.” for “9”)."""

    def plain(text: str) -> str:
        return re.sub(r"[\s.]", "", text).casefold()

    near = [each for each in known if plain(each) == plain(number)]
    return near[0] if len(near) == 1 else None


def _read_paper(path: Path) -> str:
    if path.suffix.lower() not in _PAPERS and path.is_file():
        what = f"ends in “{shown(path.suffix)}”" if path.suffix else "has no ending"
        mend = "Save the paper as plain text (.txt) first, and seal that."
        raise BadInput(Problem(place_of(path), f"{what}; papers are read as .txt or .md.", mend))
    return read_text(path, most=_LARGEST_PAPER)


def _seal(text: str, item: AgendaItem, key: bytes, at: datetime, meeting: Meeting, paper: Path) -> Seal:
    try:
        made = seal(text, item.number, key, at, open_texts(meeting))
    except ValueError as error:
        raise BadInput(Problem(place_of(paper), f"cannot be sealed: {error}.")) from None
    if not made.runs:
        message = "says nothing that the open papers of this meeting do not say, so there is nothing to seal."
        mend = "If an item's report in the meeting file is this closed paper, take it out there."
        raise BadInput(Problem(place_of(paper), message, mend))
    return made


def _read_seals(file: Path) -> tuple[Seal, ...]:
    if not file.exists():
        return ()
    try:
        return msgspec.json.decode(read_text(file, most=_LARGEST_SEALS), type=tuple[Seal, ...])
    except (msgspec.DecodeError, RecursionError) as error:
        mend = "Put back a copy, or delete it and seal the papers again."
        raise BadInput(Problem(place_of(file), f"is not a list of seals ({shown(error)}).", mend)) from None


def _as_lines(seals: Sequence[Seal]) -> bytes:
    """The seals as JSON, one to a line; the same seals always give the same bytes."""
    return b"[\n" + b",\n".join(msgspec.json.encode(each, order="deterministic") for each in seals) + b"\n]\n"


def _read_key(file: Path) -> bytes:
    lines = [line.strip() for line in read_text(file).splitlines()]
    digits = [line for line in lines if line and not line.startswith("#")]
    if len(digits) != 1 or not re.fullmatch(rf"[0-9a-fA-F]{{{2 * _KEY_BYTES}}}", digits[0]):
        mend = "Put back the key that was made, or delete it with the seals and seal the papers again."
        raise BadInput(Problem(place_of(file), "is not a key: 64 hexadecimal digits on one line.", mend))
    return bytes.fromhex(digits[0])


@contextmanager
def _alone_with(file: Path) -> Iterator[None]:
    """Hold others who seal at the same moment back, so that neither loses the other's seal."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
