"""A starting file for a meeting: complete, commented, and sound as it stands."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from string import Template

import msgspec

from feedmon.documents import fields
from feedmon.documents.bundled import pack_ids
from feedmon.documents.files import place_of
from feedmon.documents.located import Unfit
from feedmon.documents.writing import write_new, write_whole
from feedmon.model.meeting import Retention
from feedmon.model.problems import BadInput, Problem

_TEMPLATE = Path(__file__).with_name("meeting_template.toml")


def starting_file(council: str, on: date, name: str) -> str:
    """The text of a starting file, to be saved under ``name``: a meeting of ``council`` on the evening of ``on``.

    Raises BadInput when the council's name will not do, or the year is out of reason.
    """
    try:
        council = fields.line(council)
    except Unfit as unfit:
        raise BadInput(Problem("--council", str(unfit), unfit.mend)) from None
    if not 2000 <= on.year < 2200:
        raise BadInput(Problem("--date", f"is in the year {on.year}, when no meeting can be followed."))
    known = pack_ids()
    own = next((pack for pack in known if pack in fields.slug(council).split("-")), known[0])
    meeting_id = f"{fields.slug(council)[:60]}-{on.isoformat()}".strip("-")
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        file=name,
        id=_quoted(meeting_id),
        pack=_quoted(own),
        packs=", ".join(known),
        hashtag=_quoted(f"#{_hashtag(council)}"),
        council=_quoted(council),
        date=on.isoformat(),
        unflagged_days=Retention().unflagged_days,
        dismissed_days=Retention().dismissed_days,
    )


def write_starting_file(path: Path, council: str, on: date, *, force: bool = False) -> None:
    """Write a starting file; over another one only with ``force``. Raises BadInput when it cannot be written."""
    if path.exists() and not force:
        raise BadInput(Problem(place_of(path), "is there already.", "Choose another name, or give --force."))
    data = starting_file(council, on, place_of(path)).encode()
    if force:
        write_whole(path, data)
    else:
        write_new(path, data)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _hashtag(council: str) -> str:
    """The council's name as one word in humps, when that makes a hashtag."""
    words = "".join(character if character.isalnum() else " " for character in council).split()
    try:
        return fields.hashtag("".join(word[:1].upper() + word[1:] for word in words))
    except Unfit:
        return "OurCouncil"
