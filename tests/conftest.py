"""What only runs when asked for by its mark: ``-m real_network``, ``-m long_meeting``."""

from __future__ import annotations

import pytest

ONLY_WHEN_ASKED_FOR = ("real_network", "long_meeting")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes a network's own servers, or minutes, unless its mark is named."""
    asked_for = str(config.getoption("markexpr"))
    unasked = [mark for mark in ONLY_WHEN_ASKED_FOR if mark not in asked_for]
    left_out = [item for item in items if any(item.get_closest_marker(mark) for mark in unasked)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
