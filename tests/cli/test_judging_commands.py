"""``feedmon try``, ``judge`` and ``rules``, as a person or a program runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from feedmon.cli import cli
from feedmon.documents.bundled import rules_dir

EXAMPLE = rules_dir() / "example_meeting" / "meeting.toml"
INSULT = "Cllr Oldroyd is an absolute muppet"


def feedmon(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], input=stdin)


def lines(path: Path, *objects: dict[str, object]) -> Path:
    path.write_text("".join(msgspec.json.encode(each).decode() + "\n" for each in objects))
    return path


def post(name: str, text: str, minute: int, author: str = "priyasandhu.example", **more: object) -> dict[str, object]:
    at = f"2026-03-05T19:{minute:02}:00Z"
    return {"id": name, "network": "bluesky", "author": author, "text": text, "observed_at": at, **more}


MARKS: list[dict[str, object]] = [
    {"kind": "opened", "at": "2026-03-05T18:35:00Z"},
    {"kind": "item_started", "item": "4", "at": "2026-03-05T18:40:00Z"},
    {"kind": "public_excluded", "at": "2026-03-05T19:30:00Z"},
    {"kind": "item_started", "item": "9", "at": "2026-03-05T19:30:05Z"},
    {"kind": "public_readmitted", "at": "2026-03-05T19:50:00Z"},
]


def test_try_explains_a_flag_its_clause_and_what_would_have_passed() -> None:
    result = feedmon("try", INSULT)
    assert result.exit_code == 0
    assert "WARNING" in result.stdout
    assert "possible, Ventnor Town Council policy clause 5.1.f" in result.stdout
    assert "matched: “muppet”" in result.stdout
    assert "It would pass if:" in result.stdout


def test_try_says_of_a_near_miss_why_it_is_none() -> None:
    result = feedmon("try", "What a clown show of a policy", "--pack", "ventnor")
    assert "Nothing would be flagged." in result.stdout
    assert "Came near:" in result.stdout
    assert "✗ “clown" in result.stdout


def test_try_knows_who_posts_and_what_the_room_is_doing() -> None:
    text = "Gone into private session, back soon"
    assert "Nothing would be flagged." in feedmon("try", text, "--during", "closed").stdout
    told = "Can't believe what I'm hearing about the arrears in here"
    assert "closed_session_post" in feedmon("try", told, "--during", "closed").stdout
    assert "Nothing would be flagged." in feedmon("try", told, "--during", "closed", "--as", "public").stdout


def test_try_as_json_has_flags_and_every_rules_steps() -> None:
    answer = msgspec.json.decode(feedmon("try", INSULT, "--json", "--pack", "dover", "--pack", "neddc").stdout)
    assert {flag["pack"] for flag in answer["flags"]} == {"dover", "neddc"}
    assert all(tried["steps"] for tried in answer["tried"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["try", "x", "--pack", "ventor"], "Did you mean “ventnor”?"),
        (["try", "x", "--item", "77"], "the agenda has no item “77”"),
        (["try", "x", "--meeting", "nowhere.toml"], "nowhere.toml: is not there."),
        (["judge", "nowhere.toml", "--posts", "x"], "nowhere.toml: is not there."),
        (["judge", EXAMPLE, "--posts", "nowhere.jsonl"], "nowhere.jsonl: is not there."),
        (["rules", "show", "ventnor.offtopic"], "Did you mean"),
        (["rules", "list", "--pack", "nope"], "is not among the packs"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_mend(arguments, words) -> None:
    result = feedmon(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_judge_reads_posts_in_the_light_of_the_marks(tmp_path) -> None:
    posts = lines(
        tmp_path / "posts.jsonl",
        post("in the open", "The budget before us is poor, and I shall vote against it", 10),
        post("insult", INSULT, 20),
        post("closed", "Can't believe what I'm hearing about the arrears", 40),
        post("closed, public", "Can't believe they threw us out", 40, "a.resident.example"),
        post("readmitted", "Back in the room for the last item", 55),
    )
    marks = lines(tmp_path / "marks.jsonl", *MARKS)
    result = feedmon("judge", EXAMPLE, "--posts", posts, "--marks", marks, "--json")
    assert result.exit_code == 0, result.output
    answers = [msgspec.json.decode(line) for line in result.stdout.splitlines()]
    assert {answer["id"]: [flag["kind"] for flag in answer["flags"]] for answer in answers} == {
        "in the open": [],
        "insult": ["personal_attack"],
        "closed": ["closed_session_post"],
        "closed, public": [],
        "readmitted": [],
    }
    (flag,) = answers[1]["flags"]
    assert set(flag) >= {"rule", "kind", "clause", "severity", "basis", "score", "spans", "reason"}
    (span,) = flag["spans"]
    assert INSULT[span["start"] : span["end"]] == "muppet"


def test_judge_tells_every_bad_line_and_where_it_stands(tmp_path) -> None:
    posts = tmp_path / "posts.jsonl"
    posts.write_text('{"id": "1"}\nnot json\n')
    result = feedmon("judge", EXAMPLE, "--posts", posts)
    assert result.exit_code == 2
    assert "posts.jsonl:1" in result.stderr
    assert "posts.jsonl:2" in result.stderr


def test_judge_shows_a_strangers_text_as_text(tmp_path) -> None:
    posts = lines(tmp_path / "p.jsonl", post("x", f"\x1b[2J\x1b]0;owned\x07 {INSULT}", 20))
    marks = lines(tmp_path / "m.jsonl", *MARKS)
    result = feedmon("judge", EXAMPLE, "--posts", posts, "--marks", marks)
    assert "muppet" in result.stdout
    assert "\x1b" not in result.stdout


def test_rules_test_lint_and_coverage_pass_on_what_we_ship() -> None:
    assert feedmon("rules", "test").exit_code == 0
    assert feedmon("rules", "lint").exit_code == 0
    covered = feedmon("rules", "coverage")
    assert "All packs: 173 clauses" in covered.stdout
    rows = msgspec.json.decode(feedmon("rules", "coverage", "--json").stdout)
    assert {pack: sum(not row["local"] for row in rows[pack]) for pack in rows} == {
        "dover": 43,
        "neddc": 62,
        "ventnor": 68,
    }


def test_rules_show_tells_all_there_is_to_know_of_a_rule() -> None:
    listed = msgspec.json.decode(feedmon("rules", "list", "--json").stdout)
    off_topic = next(rule for rule in listed if rule["kind"] == "off_topic")
    shown = feedmon("rules", "show", off_topic["id"]).stdout
    assert "must flag:" in shown
    assert "must pass:" in shown
    assert "passes if:" in shown


def test_the_program_itself_ends_with_2_and_no_traceback_on_bad_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "feedmon", "try", "x", "--pack", "nope"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "is not among the packs" in done.stderr
    assert "Traceback" not in done.stderr
