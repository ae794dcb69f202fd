"""A piece of text that is only drawn again when it has changed, so that a calm screen costs nothing."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Still(Static):
    """Shows one Content at a time; never reads markup out of it."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, markup=False)
        self._shown = Content()

    def put(self, content: Content) -> None:
        """Show this."""
        if not content.is_same(self._shown):
            self._shown = content
            self.update(content)
