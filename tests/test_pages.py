"""The pages people read: every link leads somewhere, every command is named, and nothing is said of one machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from feedmon.cli import COMMANDS

ROOT = Path(__file__).parent.parent
_GLOBS = ("*.md", "feedmon/docs/*.md", "rules/*.md", "sample_feeds/**/README.md", "tests/corpus/README.md")
PAGES = sorted(page for pattern in _GLOBS for page in ROOT.glob(pattern))
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page) -> None:
    broken = [link for link in _LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert not broken


def test_every_command_is_named_on_some_page() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in PAGES)
    missing = [name for name in COMMANDS if f"feedmon {name}" not in pages]
    assert not missing


def test_the_top_level_holds_only_what_was_agreed() -> None:
    agreed = {
        "pyproject.toml",
        "feedmon",
        "tui",
        "rules",
        "tests",
        "sample_feeds",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
    }
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - {"feedmon-data", "dist", "build"} == agreed
