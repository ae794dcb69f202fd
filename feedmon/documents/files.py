"""Reading what people hand us: only plain text in UTF-8, of sensible size, with a plain word when it is not.

The text of a file never appears in a message: it may be a closed paper.
"""

from __future__ import annotations

import codecs
import errno
import stat
import sys
import unicodedata
from pathlib import Path
from typing import BinaryIO

from feedmon.model.problems import BadInput, Problem

MEGABYTE = 1_000_000

_AS_TEXT = "Save it as plain text (.txt) first."
_AS_UTF8 = "Save it again as UTF-8 (in Notepad: Save as, then Encoding: UTF-8)."
_OTHER_FORMATS = (
    (b"%PDF", "is a PDF.", _AS_TEXT),
    (b"PK\x03\x04", "is a word processor's file or an archive.", _AS_TEXT),
    (b"\xd0\xcf\x11\xe0", "is an old word processor's file.", _AS_TEXT),
    (b"{\\rtf", "is rich text.", _AS_TEXT),
    (codecs.BOM_UTF16_LE, "is in UTF-16, not UTF-8.", _AS_UTF8),
    (codecs.BOM_UTF16_BE, "is in UTF-16, not UTF-8.", _AS_UTF8),
)


def shown(text: object, most: int = 80) -> str:
    """Someone else's words made safe for a line on a screen: on one line, nothing invisible, not too long."""
    whole = str(text)
    safe = "".join(
        character if character == " " or not unicodedata.category(character).startswith(("C", "Z")) else "�"
        for character in whole[: most + 1]
    )
    return safe if len(whole) <= most else f"{safe[: most - 1]}…"


def place_of(path: Path) -> str:
    """How a file is named in messages: as the person wrote it, with nothing in it that could upset a screen."""
    return shown(path, 300)


def read_text(path: Path, *, most: int = MEGABYTE, pipes: bool = False) -> str:
    """The text of a UTF-8 file of at most ``most`` bytes, a byte order mark left off; of a pipe too, if ``pipes``.

    Raises BadInput for a file that is not there, not a file, not readable, too large, or not text in UTF-8.
    """
    place = place_of(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            inside = path / "meeting.toml"
            mend = f"Did you mean “{place_of(inside)}”?" if inside.is_file() else "Name the file inside it."
            raise BadInput(Problem(place, "is a folder, not a file.", mend))
        if not stat.S_ISREG(mode) and not (pipes and stat.S_ISFIFO(mode)):
            raise BadInput(Problem(place, "is not an ordinary file."))
        with path.open("rb") as file:
            data = _at_most(file, most, place)
    except (OSError, ValueError) as error:
        raise BadInput(_unreadable(place, error)) from None
    return _decoded(data, place)


def read_text_or_stdin(path: Path, *, most: int) -> tuple[str, str]:
    """The text of a file, or of standard input when the path is ``-``, and what to call it in messages."""
    if str(path) == "-":
        place = "standard input"
        return _decoded(_at_most(sys.stdin.buffer, most, place), place), place
    return read_text(path, most=most, pipes=True), place_of(path)


def _decoded(data: bytes, place: str) -> str:
    for start, message, mend in _OTHER_FORMATS:
        if data.startswith(start):
            raise BadInput(Problem(place, message, mend))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" in data[:4096]:
            raise BadInput(Problem(place, "is not text.", _AS_TEXT)) from None
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(Problem(f"{place}:{line}", "is not in UTF-8 from this line on.", _AS_UTF8)) from None
    if "\0" in text:
        mend = _AS_UTF8 if text.count("\0") * 3 > len(text) else _AS_TEXT
        raise BadInput(Problem(place, "holds zero bytes, so it is not text in UTF-8.", mend))
    return text


def _at_most(stream: BinaryIO, most: int, place: str) -> bytes:
    data = bytearray()
    while chunk := stream.read(MEGABYTE):
        data += chunk
        if len(data) > most:
            raise BadInput(Problem(place, f"is larger than {most / MEGABYTE:g} MB, the most that is read."))
    return bytes(data)


def _unreadable(place: str, error: OSError | ValueError) -> Problem:
    match getattr(error, "errno", None):
        case errno.ENOENT | errno.ENOTDIR:
            return Problem(place, "is not there.", "Check the name and the folder.")
        case errno.EACCES | errno.EPERM:
            return Problem(place, "may not be read by you.", "Ask for permission, or copy it to a folder of yours.")
        case errno.ELOOP:
            return Problem(place, "is a link that leads back to itself.")
        case _:
            words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return Problem(place, f"cannot be read: {words}.")
