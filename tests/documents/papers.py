"""What the tests of documents share: a sound meeting file to spoil, and the problems a call raises."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from feedmon.documents.bundled import rules_dir
from feedmon.model.problems import BadInput

SHORTEST = """\
[meeting]
id = "m"
title = "Full Council"
packs = ["ventnor"]
hashtags = ["#SaltmarshTC"]
[council]
name = "Saltmarsh Town Council"
[window]
starts = 2026-03-05T18:30:00
stops = 2026-03-05T22:00:00
[[item]]
number = "4"
title = "Budget"
report_text = "The precept rises by three per cent to mend the sea wall."
[[member]]
name = "Helen Marchbanks"
accounts = [{ network = "bluesky", handle = "marchbanks.example", id = "did:plc:marchbanks" }]
[[source]]
kind = "bluesky"
url = "wss://jetstream.example/subscribe"
"""


def example_meeting(folder: Path) -> Path:
    """The example meeting with its reports, copied into ``folder``; the path of its file."""
    return Path(shutil.copytree(rules_dir() / "example_meeting", folder / "example")) / "meeting.toml"


def problems_of(act: Callable[[], object]) -> list[str]:
    """Each problem of the BadInput that ``act`` raises, on one line."""
    with pytest.raises(BadInput) as raised:
        act()
    return [str(problem) for problem in raised.value.problems]
