"""A council's rules as data: what a pack, a rule kind and a lexicon file may say.

Three kinds of file, all TOML, all under ``rules/``:

* ``kinds/KIND.toml`` (:class:`KindFile`): what one kind of judgement is everywhere: when it applies, its parameters,
  what fools it, and the examples that must and must not flag.
* ``packs/PACK.toml`` (:class:`PackFile`): every clause of one council's policy, and the rules that serve them. A rule
  names its kind and says only what differs.
* ``lexicons/LEXICON.toml`` (:class:`Lexicon`): words and phrases, grouped by sense.

The structs here are the formats: field names are the keys of the files. :func:`assemble` turns them into a
:class:`Pack`, with a hash that names exactly the text in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Any

import msgspec

from feedmon.judgement.phrases import phrase
from feedmon.model.flags import Severity
from feedmon.model.posts import MediaKind
from feedmon.model.problems import BadInput, Problem, did_you_mean
from feedmon.model.timeline import Phase


class Binds(StrEnum):
    """Whose posts a rule looks at."""

    MEMBERS = "members"
    ANYONE = "anyone"
    COUNCIL_ACCOUNTS = "council_accounts"


class Status(StrEnum):
    """``live`` rules show their flags; ``quiet`` ones are counted and kept, not shown."""

    LIVE = "live"
    QUIET = "quiet"


class Use(StrEnum):
    """How a lexicon group's words are used of a person.

    ``name``: a noun for them (“muppet”); ``describes``: an adjective (“clueless”); ``phrase``: says it all by itself
    (“couldn't run a bath”); ``any``: it does not matter.
    """

    NAME = "name"
    DESCRIBES = "describes"
    PHRASE = "phrase"
    ANY = "any"


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The moments a rule applies in. What is left out does not matter."""

    phase: tuple[Phase, ...] | None = None
    present: bool | None = None
    public_excluded: bool | None = None
    recording_suspended: bool | None = None
    asked_not_to_post: bool | None = None


class As(StrEnum):
    """Who an example's author, or the person it is aimed at, is in the example meeting."""

    MEMBER = "member"
    OTHER_MEMBER = "other_member"
    ABSENT_MEMBER = "absent_member"
    CHAIR = "chair"
    LEADER = "leader"
    OFFICER = "officer"
    COUNCIL = "council"
    PERSONAL_ACCOUNT = "personal_account"
    PUBLIC = "public"


class During(StrEnum):
    """What the room was doing when an example was posted."""

    BEFORE = "before"
    OPEN = "open"
    CLOSED = "closed"
    SUSPENDED = "suspended"
    ASKED = "asked"
    ADJOURNED = "adjourned"
    AFTER = "after"


class Before(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An earlier post of an example, ``minutes`` before it; given ``times`` over, a few seconds apart."""

    text: str
    author: As = msgspec.field(default=As.MEMBER, name="as")
    reply_to: As | None = None
    mentions: tuple[As, ...] = ()
    minutes: float = 5.0
    times: int = 1


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A post in a setting, in the example meeting. ``why`` says why it must flag, or must not.

    ``handle`` and ``name`` give the author another handle and shown name than the part has.
    ``item`` is the agenda item being taken (in closed session, the closed one when left out); ``minutes`` how long the
    state had lasted; ``before`` what was posted earlier; ``least`` the lowest severity expected of one that must flag.
    """

    text: str
    why: str = ""
    author: As = msgspec.field(default=As.MEMBER, name="as")
    handle: str | None = None
    name: str | None = None
    during: During = During.OPEN
    item: str | None = None
    minutes: float = 3.0
    reply_to: As | None = None
    quote: As | None = None
    repost_of: As | None = None
    mentions: tuple[As, ...] = ()
    media: tuple[MediaKind, ...] = ()
    alt: str = ""
    links: tuple[str, ...] = ()
    least: Severity = Severity.INFO
    before: tuple[Before, ...] = ()


class KindFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``kinds/KIND.toml``: one kind of judgement, for every council that adopts it."""

    kind: str
    title: str
    paraphrase: str
    binds: Binds
    severity: Severity
    when: When = When()
    parameters: dict[str, Any] = {}
    false_alarms: tuple[str, ...] = ()
    passes_if: str
    chair_words: str = ""
    flags: tuple[Example, ...] = ()
    passes: tuple[Example, ...] = ()


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[rule]]`` in a pack: which clauses a kind serves there, and what differs from the kind."""

    id: str
    kind: str
    clauses: tuple[str, ...]
    title: str | None = None
    paraphrase: str | None = None
    binds: Binds | None = None
    severity: Severity | None = None
    when: When | None = None
    status: Status = Status.LIVE
    parameters: dict[str, Any] = {}
    false_alarms: tuple[str, ...] = ()
    passes_if: str | None = None
    chair_words: str | None = None
    flags: tuple[Example, ...] = ()
    passes: tuple[Example, ...] = ()


class Clause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[clause]]`` in a pack: one duty of the policy, paraphrased.

    A clause served by a rule needs nothing more. Any other has ``aid`` (how feedmon helps with it) or ``person`` (why
    a person must judge it). ``local`` marks an entry that is not of the policy, such as a direction of the chair.
    """

    id: str
    gist: str
    binds: str = "members"
    aid: str | None = None
    person: str | None = None
    local: bool = False


class PackFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``packs/PACK.toml``: a council's policy, clause by clause, and the rules that serve it."""

    id: str
    title: str
    council: str
    adopted: date | None = None
    review: date | None = None
    notes: tuple[str, ...] = ()
    clause: tuple[Clause, ...]
    rule: tuple[RuleEntry, ...]


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words of one sense. ``strength`` is 0…1. A word ending in ``*`` stands for any ending; ``{a|b}`` for either;
    a ``~`` between words for one to three words of any kind.

    A hit that lies inside an ``allow`` phrase does not count (“clown fish”).
    """

    label: str
    words: tuple[str, ...]
    strength: float = 1.0
    use: Use = Use.ANY
    allow: tuple[str, ...] = ()


class Lexicon(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``lexicons/LEXICON.toml``. ``better_profanity`` takes in that package's word list, less the words named.

    ``often_starred`` says that people star these words out (“w*nker”), so that a starred word may be one of them.
    """

    id: str
    title: str
    often_starred: bool = False
    group: tuple[Group, ...] = ()
    better_profanity: BetterProfanity | None = None


class BetterProfanity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to take in better-profanity's list: the group it becomes, and the words to leave out with good reason."""

    label: str
    strength: float
    leave_out: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule in force: a kind of judgement serving clauses of one council's policy."""

    id: str
    kind: str
    pack: str
    clauses: tuple[str, ...]
    title: str
    paraphrase: str
    binds: Binds
    severity: Severity
    when: When
    status: Status
    parameters: Any
    false_alarms: tuple[str, ...]
    passes_if: str
    chair_words: str
    flags: tuple[Example, ...]
    passes: tuple[Example, ...]


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A council's rules, assembled. ``hash`` names the pack, kind and lexicon texts it was made from."""

    id: str
    title: str
    council: str
    adopted: date | None
    review: date | None
    notes: tuple[str, ...]
    clauses: tuple[Clause, ...]
    rules: tuple[Rule, ...]
    lexicons: tuple[Lexicon, ...]
    hash: str

    def clause(self, clause_id: str) -> Clause:
        """The clause with this id; a pack's rules name only clauses it has."""
        return next(clause for clause in self.clauses if clause.id == clause_id)


def assemble(
    pack: PackFile,
    kinds: Mapping[str, KindFile],
    lexicons: Sequence[Lexicon],
    parameter_types: Mapping[str, type[msgspec.Struct]],
    place: str,
) -> Pack:
    """The pack these files make.

    ``parameter_types`` maps each known kind to the struct its parameters must fit. Raises BadInput, naming ``place``
    and the key, with every mistake: a kind unknown, a clause missing, served by nothing or twice over, an id used
    twice, a parameter that does not fit, a rule without near-misses.
    """
    problems: list[Problem] = []
    clause_ids = [clause.id for clause in pack.clause]
    problems += [
        Problem(f"{place}: clause {one}", "is there twice.", "Each clause id stands once.")
        for one in _twice(clause_ids)
    ]
    problems += [
        Problem(f"{place}: rule {one}", "is there twice.", "A rule's id is permanent and its own.")
        for one in _twice([entry.id for entry in pack.rule])
    ]
    rules: list[Rule] = []
    for entry in pack.rule:
        where = f"{place}: rule {entry.id}"
        kind = kinds.get(entry.kind)
        if kind is None or entry.kind not in parameter_types:
            problems.append(
                Problem(
                    f"{where}.kind", f"“{entry.kind}” is no kind of rule.", did_you_mean(entry.kind, parameter_types)
                )
            )
            continue
        problems += [
            Problem(f"{where}.clauses", f"the pack has no clause “{one}”.", did_you_mean(one, clause_ids))
            for one in entry.clauses
            if one not in clause_ids
        ]
        if not entry.clauses:
            problems.append(Problem(f"{where}.clauses", "names none.", "A rule serves at least one adopted clause."))
        try:
            parameters = msgspec.convert({**kind.parameters, **entry.parameters}, parameter_types[entry.kind])
        except msgspec.ValidationError as error:
            problems.append(Problem(f"{where}.parameters", f"{error}."))
            continue
        # A rule for other moments than its kind's needs examples of its own; what must pass must pass there too.
        flags = entry.flags if entry.when is not None else kind.flags + entry.flags
        passes = kind.passes + entry.passes
        if not flags or len(passes) <= len(flags):
            problems.append(
                Problem(where, "needs an example that must flag, and more near-misses than those.", "Add [[passes]].")
            )
        rules.append(
            Rule(
                id=entry.id,
                kind=entry.kind,
                pack=pack.id,
                clauses=entry.clauses,
                title=entry.title or kind.title,
                paraphrase=entry.paraphrase or kind.paraphrase,
                binds=entry.binds or kind.binds,
                severity=entry.severity or kind.severity,
                when=entry.when or kind.when,
                status=entry.status,
                parameters=parameters,
                false_alarms=kind.false_alarms + entry.false_alarms,
                passes_if=entry.passes_if or kind.passes_if,
                chair_words=kind.chair_words if entry.chair_words is None else entry.chair_words,
                flags=flags,
                passes=passes,
            )
        )
    problems += [problem for lexicon in lexicons for problem in _unreadable(lexicon)]
    served = {clause for entry in pack.rule for clause in entry.clauses}
    for clause in pack.clause:
        answers = (clause.id in served) + (clause.aid is not None) + (clause.person is not None)
        if answers != 1:
            problems.append(
                Problem(
                    f"{place}: clause {clause.id}",
                    "is answered by nothing." if not answers else "is answered more than once.",
                    "Give it exactly one: a rule that names it, aid = “…”, or person = “why a person must judge it”.",
                )
            )
    if problems:
        raise BadInput(problems)
    used = {entry.kind for entry in pack.rule}
    text = msgspec.json.encode(
        {
            "pack": pack,
            "kinds": {name: kind for name, kind in kinds.items() if name in used},
            "lexicons": sorted(lexicons, key=lambda lexicon: lexicon.id),
        },
        order="deterministic",
    )
    return Pack(
        id=pack.id,
        title=pack.title,
        council=pack.council,
        adopted=pack.adopted,
        review=pack.review,
        notes=pack.notes,
        clauses=pack.clause,
        rules=tuple(rules),
        lexicons=tuple(lexicons),
        hash=sha256(text).hexdigest()[:16],
    )


def _unreadable(lexicon: Lexicon) -> list[Problem]:
    problems = []
    for group in lexicon.group:
        for written in group.words + group.allow:
            try:
                phrase(written)
            except ValueError as error:
                problems.append(Problem(f"lexicons/{lexicon.id}.toml: group “{group.label}”", f"{error}."))
    return problems


def _twice(ids: Sequence[str]) -> list[str]:
    return sorted({one for one in ids if ids.count(one) > 1})
