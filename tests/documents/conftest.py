"""One copy of the example meeting for the properties that spoil it again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.papers import example_meeting


@pytest.fixture(scope="session")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a meeting file to write over, its reports beside it."""
    return example_meeting(tmp_path_factory.mktemp("spoilt"))
