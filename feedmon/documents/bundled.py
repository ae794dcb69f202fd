"""Where the data that travels with feedmon is, in a wheel and in a checkout alike."""

from __future__ import annotations

from pathlib import Path

from feedmon.model.problems import BadInput, Problem

_PACKAGE = Path(__file__).resolve().parent.parent


def rules_dir() -> Path:
    """The folder of packs, kinds, lexicons and the example meeting. Raises BadInput when it is missing."""
    return _data("rules")


def sample_feeds_dir() -> Path:
    """The folder of invented meetings with their recordings. Raises BadInput when it is missing."""
    return _data("sample_feeds")


def pack_ids() -> tuple[str, ...]:
    """The ids of every pack feedmon comes with, in order. A pack's id is its file's name."""
    return tuple(sorted(file.stem for file in (rules_dir() / "packs").glob("*.toml")))


def _data(name: str) -> Path:
    for folder in (_PACKAGE / "_bundled" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise BadInput(Problem(str(_PACKAGE), f"feedmon's own folder “{name}” is missing.", "Install feedmon anew."))
