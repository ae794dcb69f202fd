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
        """Show this. The screen is only laid out anew when it takes another size than what it replaces."""
        if not content.is_same(self._shown):
            self._shown = content
            self.update(content, layout=not self._fits(content))

    def _fits(self, content: Content) -> bool:
        size, rules = self.content_size, self.styles.get_rules()
        if not size.width or content.get_height(rules, size.width) != size.height:
            return False
        auto = self.styles.width is not None and self.styles.width.is_auto
        return not auto or content.get_optimal_width(rules, size.width) == size.width
