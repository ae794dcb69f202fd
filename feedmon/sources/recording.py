"""Writing recordings: a source's raw messages as they came, one JSON line each, flushed one by one."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from feedmon.model.problems import BadInput, Problem


class Recorder:
    """A new recording, open as a context manager. What a message says is not looked at.

    Line breaks, which in JSON can only stand between values, become spaces: one message, one line. Raises BadInput
    on entering when the file is there already or cannot be made, and OSError when writing fails.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def __enter__(self) -> Recorder:
        try:
            self._file = self.path.open("xb")
        except FileExistsError:
            message = "is there already, and a recording never overwrites anything."
            raise BadInput(Problem(str(self.path), message, "Give another name, or move it away.")) from None
        except OSError as error:
            raise BadInput(Problem(str(self.path), f"cannot be written: {error.strerror}.")) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, message: bytes) -> None:
        """Add a message; the file has it when this returns, whatever becomes of this process."""
        self._file.write(message.translate(_ONE_LINE) + b"\n")
        self._file.flush()
        self.count += 1


_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
