"""The sample meetings, judged whole through the command a user has: each flag expected, and no other."""

from __future__ import annotations

from collections import defaultdict

import msgspec
import pytest
from click.testing import CliRunner

from feedmon.cli import cli
from feedmon.documents.bundled import sample_feeds_dir

SAMPLES = sorted(folder.name for folder in sample_feeds_dir().iterdir() if folder.is_dir())
Found = dict[str, set[tuple[str, str, str]]]


def judged(name: str) -> tuple[Found, int]:
    """What is flagged (info aside, which only lists): post → {(pack, kind, severity)}; and how many posts there are."""
    folder = sample_feeds_dir() / name
    files = ["--posts", str(folder / "bluesky.jsonl"), "--marks", str(folder / "marks.jsonl")]
    result = CliRunner().invoke(cli, ["judge", str(folder / "meeting.toml"), *files, "--json"])
    assert result.exit_code == 0, result.output
    found: Found = defaultdict(set)
    answers = [msgspec.json.decode(line) for line in result.stdout.splitlines()]
    for answer in answers:
        for flag in answer["flags"]:
            if flag["severity"] != "info":
                found[answer["id"]].add((flag["rule"].partition(".")[0], flag["kind"], flag["severity"]))
    return found, len(answers)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_meeting_raises_just_what_it_should(name) -> None:
    found, _ = judged(name)
    lines = (sample_feeds_dir() / name / "expected.jsonl").read_bytes().splitlines()
    expected: Found = {
        entry["post"]: {(flag["pack"], flag["kind"], flag["severity"]) for flag in entry["flags"]}
        for entry in map(msgspec.json.decode, lines)
    }
    assert found == expected


def test_there_are_several_hundred_posts_and_one_meeting_that_raises_nothing() -> None:
    results = {name: judged(name) for name in SAMPLES}
    assert len(SAMPLES) >= 3
    assert sum(posts for _, posts in results.values()) >= 400
    assert any(not found for found, _ in results.values())
