"""What a new thing leads to: entries for the journal, then messages for the desks."""

from __future__ import annotations

from dataclasses import dataclass, field

from feedmon.model.entries import Entry
from feedmon.wire import Message


@dataclass
class Effects:
    """Entries to be made durable first, and messages to send after; each in order.

    Messages carry ``seq`` 0 until the hub numbers them.
    """

    entries: list[Entry] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def add(self, later: Effects) -> None:
        """Take in what comes after."""
        self.entries += later.entries
        self.messages += later.messages
