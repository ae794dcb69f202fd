"""Packs from the rules folder: read, assembled, and in force only when their own examples hold.

The formats are the structs of :mod:`feedmon.judgement.packs`. better-profanity's word list is read here, once, as one
lexicon among others; its matching is never used on posts.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec

from feedmon.documents.bundled import pack_ids, rules_dir
from feedmon.documents.files import place_of, read_text
from feedmon.documents.meeting_file import load_meeting
from feedmon.documents.toml_lines import read_toml
from feedmon.judgement.checks import CHECKS
from feedmon.judgement.examples import broken
from feedmon.judgement.judge import Judge
from feedmon.judgement.overrides import LocalFile, extended
from feedmon.judgement.packs import Group, KindFile, Lexicon, Pack, PackFile, assemble
from feedmon.judgement.sealing import open_texts, seal
from feedmon.model.meeting import Meeting
from feedmon.model.problems import BadInput, Problem, did_you_mean

FileT = TypeVar("FileT", bound=msgspec.Struct)

_EXAMPLE_KEY = b"only ever used on the invented example paper"[:32]


def load_packs(ids: Iterable[str], rules: Path | None = None) -> tuple[Pack, ...]:
    """The packs with these ids, each with its examples holding.

    Raises BadInput with every mistake in the files they are made of, and with every example that does not hold.
    """
    packs = read_packs(ids, rules)
    judge = example_judge(packs, rules)
    problems = [problem for pack in packs for problem in broken(pack, judge, f"pack {pack.id}")]
    if problems:
        raise BadInput(problems)
    return packs


def read_packs(ids: Iterable[str], rules: Path | None = None) -> tuple[Pack, ...]:
    """The packs with these ids, their examples not tried. Raises BadInput with every mistake in their files.

    An id that ends in ``.toml`` is the path of a council's local rules, which extend one of the packs.
    """
    folder = rules or rules_dir()
    if not (folder / "packs").is_dir():
        raise BadInput(Problem(place_of(folder), "is no folder of rules.", "It holds packs/, kinds/ and lexicons/."))
    wanted = list(dict.fromkeys(ids))
    known = pack_ids() if rules is None else tuple(sorted(file.stem for file in (folder / "packs").glob("*.toml")))
    local = {one: _read(Path(one), LocalFile) for one in wanted if one.endswith(".toml")}
    named = [local[one].extends if one in local else one for one in wanted]
    unknown = [one for one in named if one not in known]
    if unknown:
        raise BadInput(
            [Problem(f"pack “{one}”", "is not among the packs.", did_you_mean(one, known)) for one in unknown]
        )
    kinds = {file.stem: _read(file, KindFile) for file in sorted((folder / "kinds").glob("*.toml"))}
    lexicons = [_with_better_profanity(_read(file, Lexicon)) for file in sorted((folder / "lexicons").glob("*.toml"))]
    parameter_types = {name: kind.parameters for name, kind in CHECKS.items()}
    packs: list[Pack] = []
    problems: list[Problem] = []
    for one, pack_id in zip(wanted, named, strict=True):
        path = folder / "packs" / f"{pack_id}.toml"
        place, words = place_of(path), tuple(lexicons)
        try:
            file = _read(path, PackFile)
            if one in local:
                place = place_of(Path(one))
                change = extended(file, lexicons, local[one], place)
                problems += change.problems
                file, words = change.pack, change.lexicons
            packs.append(assemble(file, kinds, words, parameter_types, place))
        except BadInput as bad:
            problems += bad.problems
    if problems:
        raise BadInput(list(dict.fromkeys(problems)))  # a lexicon's mistake is every pack's
    return tuple(packs)


def example_meeting(rules: Path | None = None) -> Meeting:
    """The invented meeting in which examples are judged."""
    return load_meeting((rules or rules_dir()) / "example_meeting" / "meeting.toml")


def example_judge(packs: Iterable[Pack], rules: Path | None = None) -> Judge:
    """A judge of these packs sitting in the example meeting, its one closed paper sealed."""
    folder = (rules or rules_dir()) / "example_meeting"
    meeting = example_meeting(rules)
    seals = [
        seal(
            read_text(folder / "closed" / f"item-{item.number}.txt"),
            item.number,
            _EXAMPLE_KEY,
            meeting.window.starts,
            open_texts(meeting),
        )
        for item in meeting.items
        if item.closed
    ]
    return Judge(meeting, tuple(packs), seals, _EXAMPLE_KEY)


def _read(path: Path, into: type[FileT]) -> FileT:
    data, mistakes = read_toml(path)
    value = mistakes.read(data, into)
    mistakes.refuse()
    assert value is not None  # noqa: S101  # refuse() raises when anything was wrong
    named = getattr(value, "kind", None) or getattr(value, "id", None)
    if named != path.stem and not isinstance(value, LocalFile):
        raise BadInput(Problem(place_of(path), f"calls itself “{named}”.", f"Name it “{path.stem}”, like its file."))
    return value


def _with_better_profanity(lexicon: Lexicon) -> Lexicon:
    wish = lexicon.better_profanity
    if wish is None:
        return lexicon
    words = files("better_profanity").joinpath("profanity_wordlist.txt").read_text(encoding="utf-8").split("\n")
    taken = {word.strip() for group in lexicon.group for word in group.words} | set(wish.leave_out)
    kept = tuple(word.strip() for word in words if word.strip() and word.strip() not in taken)
    group = Group(label=wish.label, words=kept, strength=wish.strength)
    return msgspec.structs.replace(lexicon, group=(*lexicon.group, group), better_profanity=None)
