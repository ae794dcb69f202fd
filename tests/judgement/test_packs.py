"""Packs as data: what loads, what is refused and how, and what every clause got."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from feedmon.documents.bundled import rules_dir
from feedmon.documents.packs import load_packs, read_packs
from feedmon.judgement.coverage import coverage
from feedmon.judgement.lint import lint
from feedmon.model.problems import BadInput

CLAUSES = {"ventnor": 68, "neddc": 62, "dover": 43}
"""How many duties, permissions and statements each policy has, as its clause map counts them."""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the rules folder to spoil."""
    return Path(shutil.copytree(rules_dir(), tmp_path / "rules"))


def refused(rules: Path, pack: str = "ventnor") -> str:
    with pytest.raises(BadInput) as refusal:
        load_packs([pack], rules)
    return str(refusal.value)


@pytest.mark.parametrize("pack", CLAUSES)
def test_every_example_of_every_rule_holds(pack) -> None:
    load_packs([pack])


@pytest.mark.parametrize("pack", CLAUSES)
def test_every_clause_of_the_policy_is_there_and_answered(pack) -> None:
    (loaded,) = read_packs([pack])
    rows = coverage(loaded)
    assert sum(not row.local for row in rows) == CLAUSES[pack]
    assert all(row.answer in ("rule", "aid", "person") and row.how.strip() for row in rows)


@pytest.mark.parametrize("pack", CLAUSES)
def test_nothing_in_a_pack_stands_that_should_not(pack) -> None:
    (loaded,) = read_packs([pack])
    assert lint(loaded) == ()


def test_each_rule_has_more_near_misses_than_hits() -> None:
    for pack in read_packs(CLAUSES):
        for rule in pack.rules:
            assert len(rule.passes) > len(rule.flags) > 0


def test_the_hash_names_exactly_the_text_in_force(rules) -> None:
    (before,) = read_packs(["ventnor"], rules)
    assert read_packs(["ventnor"], rules)[0].hash == before.hash
    lexicon = rules / "lexicons" / "insults.toml"
    lexicon.write_text(lexicon.read_text().replace('"muppet"', '"muppetry"', 1))
    assert read_packs(["ventnor"], rules)[0].hash != before.hash


def test_a_pack_whose_example_does_not_hold_is_refused_with_the_reason(rules) -> None:
    kind = rules / "kinds" / "personal_attack.toml"
    kind.write_text(kind.read_text() + '\n[[flags]]\ntext = "This budget is a disgrace"\nwhy = "a wrong example"\n')
    message = refused(rules)
    assert "must flag “This budget is a disgrace” but does not" in message
    assert "it stopped at" in message


def test_every_mistake_in_a_pack_is_told_at_once_with_its_mend(rules) -> None:
    pack = rules / "packs" / "ventnor.toml"
    text = pack.read_text()
    pack.write_text(
        text
        + '\n[[rule]]\nid = "ventnor.new"\nkind = "of_topic"\nclauses = ["5.1.d"]\n'
        + '\n[[rule]]\nid = "ventnor.newer"\nkind = "off_topic"\nclauses = ["99.9"]\n'
        + '\n[[clause]]\nid = "99.1"\ngist = "Nobody answers this."\n'
    )
    message = refused(rules)
    assert "“of_topic” is no kind of rule. Did you mean “off_topic”?" in message
    assert "the pack has no clause “99.9”" in message
    assert "clause 99.1: is answered by nothing" in message


def test_a_phrase_that_cannot_be_read_is_refused_where_it_stands(rules) -> None:
    lexicon = rules / "lexicons" / "room.toml"
    lexicon.write_text(lexicon.read_text() + '\n[[group]]\nlabel = "broken"\nwords = ["{a|{b|c}} room"]\n')
    assert "lexicons/room.toml: group “broken”: the braces in “{a|{b|c}} room” do not match" in refused(rules)


def test_a_slip_in_a_key_is_named_with_its_line(rules) -> None:
    pack = rules / "packs" / "ventnor.toml"
    pack.write_text(pack.read_text().replace("gist =", "gits =", 1))
    message = refused(rules)
    assert "ventnor.toml:" in message
    assert "Did you mean “gist”?" in message


def test_an_unknown_pack_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="Did you mean “ventnor”"):
        load_packs(["ventor"])


def test_a_parameter_that_does_not_fit_is_refused(rules) -> None:
    kind = rules / "kinds" / "closed_content_match.toml"
    kind.write_text(kind.read_text().replace("least_words = 8", 'least_words = "eight"'))
    assert "least_words" in refused(rules)
