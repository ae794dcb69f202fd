"""A council's own changes to a pack: small, with reasons, and on record by the hash."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from feedmon.cli import cli
from feedmon.documents.bundled import rules_dir
from feedmon.documents.packs import example_judge, load_packs, read_packs
from feedmon.judgement.coverage import coverage
from feedmon.judgement.examples import judged
from feedmon.judgement.packs import Example
from feedmon.model.problems import BadInput

LOCAL = """
id = "saltmarsh"
extends = "ventnor"
title = "Saltmarsh Town Council: local rules"

[[rule]]
id = "ventnor.profanity"
status = "off"
why = "The council resolved in May that swearing at nobody is nobody's business."

[[rule]]
id = "ventnor.off_topic"
status = "quiet"
severity = "info"
why = "On trial until the autumn."

[[words]]
lexicon = "insults"
group = "called a fool"
add = ["gurt lobwort"]
allow = ["muppet theatre"]
why = "Local speech; and the puppet company at the pier."
"""


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local.toml"
    path.write_text(LOCAL)
    return path


def kinds(pack_id: str, text: str) -> dict[str, bool]:
    """What one pack raises in the example meeting: kind → whether it is quiet."""
    judge = example_judge(read_packs([pack_id]))
    return {flag.kind: flag.quiet for flag in judged(Example(text=text), judge, judge.rules).flags}


def test_a_rule_switched_off_is_off_and_its_clause_says_why(local) -> None:
    assert "profanity" in kinds("ventnor", "What a fucking shambles this budget is")
    assert "profanity" not in kinds(str(local), "What a fucking shambles this budget is")
    (pack,) = load_packs([str(local)])
    assert all(row.answer in ("rule", "aid", "person") for row in coverage(pack))


def test_a_quiet_rule_counts_without_showing(local) -> None:
    assert kinds(str(local), "Hat trick for Rovers before half time!!") == {"off_topic": True}


def test_local_words_and_allowances_count(local) -> None:
    assert "personal_attack" in kinds(str(local), "Cllr Oldroyd is a gurt lobwort")
    assert "personal_attack" not in kinds("ventnor", "Cllr Oldroyd is a gurt lobwort")
    assert "personal_attack" not in kinds(str(local), "Cllr Oldroyd is at the muppet theatre")


def test_the_hash_tells_local_rules_from_the_pack_they_extend(local) -> None:
    assert read_packs([str(local)])[0].hash != read_packs(["ventnor"])[0].hash


def test_changes_to_what_is_not_there_are_refused_with_the_nearest(local) -> None:
    local.write_text(LOCAL.replace("ventnor.profanity", "ventnor.profanty").replace("called a fool", "called a fol"))
    with pytest.raises(BadInput) as refusal:
        load_packs([str(local)])
    assert "Did you mean “ventnor.profanity”?" in str(refusal.value)
    assert "Did you mean “called a fool”?" in str(refusal.value)


def test_diff_tells_what_a_council_changed(local) -> None:
    result = CliRunner().invoke(cli, ["rules", "diff", "ventnor", str(local)])
    assert result.exit_code == 0
    assert "profanity\n  - only in ventnor: clause 9.1.a" in result.stdout
    assert "severity: - notice  + info" in result.stdout
    assert "+ gurt lobwort" in result.stdout
    same = CliRunner().invoke(cli, ["rules", "diff", "dover", "dover"])
    assert "The same rules" in same.stdout


def test_a_meeting_file_names_its_local_rules_beside_it(local) -> None:
    text = (rules_dir() / "example_meeting" / "meeting.toml").read_text()
    text = text.replace('packs = ["ventnor"]', 'packs = ["local.toml"]').replace('report = "reports/', '# report = "')
    meeting = local.with_name("meeting.toml")
    meeting.write_text(text)
    said = ["try", "What a fucking shambles this budget is", "--meeting", str(meeting)]
    assert "Nothing would be flagged." in CliRunner().invoke(cli, said).stdout
