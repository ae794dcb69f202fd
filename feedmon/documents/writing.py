"""Writing files so that a crash leaves the old one or the new one, never half of either."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from feedmon.documents.files import place_of
from feedmon.model.problems import BadInput, Problem


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file, in place of any there, durably. ``private`` files are readable by their owner alone.

    Raises BadInput when it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)  # left by a writer that was killed
        _write(temporary, data, private)
        try:
            temporary.replace(path)
        except OSError:
            temporary.unlink()
            raise
        _settle(path.parent)
    except OSError as error:
        raise BadInput(_unwritable(path, error)) from None


def write_new(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file durably where none was. Raises BadInput when it cannot be written, or is there already."""
    try:
        _write(path, data, private)
        _settle(path.parent)
    except OSError as error:
        raise BadInput(_unwritable(path, error)) from None


def _write(path: Path, data: bytes, private: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise


def _settle(folder: Path) -> None:
    """Make a folder's entries durable, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> Problem:
    words = (error.strerror or "the system refused").lower()
    return Problem(place_of(path), f"cannot be written: {words}.", "Check the folder and the space on the disk.")
