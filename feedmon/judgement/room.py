"""A meeting made ready to judge by: who is who, what they are called, what tonight is about, what is sealed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from feedmon.judgement.packs import Lexicon
from feedmon.judgement.phrasebook import Phrasebook, Sense
from feedmon.judgement.sealing import Fingerprints
from feedmon.judgement.stems import stem, stems_of
from feedmon.judgement.text import TokenKind, accent_free, folded, tokens_of
from feedmon.model.meeting import Account, AccountRole, Meeting, Member, Officer
from feedmon.model.posts import Author as PostAuthor
from feedmon.model.posts import Target
from feedmon.model.seals import Seal

NAMES = "names"
"""The lexicon id under which the meeting's own people are found; a hit's label is the person's id."""

WEAK = 0.5
"""The strength of a name that may be another's, or an ordinary word: a first name, a surname alone."""

OFFICE = 0.4
"""The strength of an office, which means its holder only after “the”, “our” and the like."""


class Author(msgspec.Struct, frozen=True):
    """Who posted, as far as the meeting file tells."""

    member: Member | None = None
    account: Account | None = None

    @property
    def is_council(self) -> bool:
        """Whether it is the council's own account."""
        return self.account is not None and self.account.role is AccountRole.CORPORATE


class Person(msgspec.Struct, frozen=True):
    """Someone a post can be aimed at: a member, or a named officer."""

    id: str
    name: str
    member: Member | None = None
    officer: Officer | None = None


class Room:
    """Everything about one meeting that judging a post needs, looked up once."""

    def __init__(
        self, meeting: Meeting, lexicons: Sequence[Lexicon], seals: Sequence[Seal] = (), seal_key: bytes | None = None
    ) -> None:
        self.meeting = meeting
        self.people = {
            **{member.id: Person(member.id, member.name, member=member) for member in meeting.members},
            **{
                f"officer:{officer.name}": Person(f"officer:{officer.name}", officer.name, officer=officer)
                for officer in meeting.officers
            },
        }
        self.phrasebook = Phrasebook(lexicons, _names(self.people))
        self.fingerprints = Fingerprints(seals, seal_key)
        self._lexicons = {lexicon.id: lexicon for lexicon in lexicons}
        self._words: dict[str, frozenset[str]] = {}
        self._ids: dict[tuple[str, str], Author] = {}
        self._handles: dict[tuple[str, str], Author] = {}
        for member in meeting.members:
            for account in member.accounts:
                self._know(account, Author(member, account))
        for account in meeting.council.accounts:
            self._know(account, Author(None, account))
        self.item_stems: Mapping[str, frozenset[str]] = {
            item.number: stems_of(f"{item.title}. {item.report}") for item in meeting.items
        }
        self.common_stems = self._common_stems()
        self.meeting_stems = self.common_stems.union(*self.item_stems.values())
        self.open_text = folded(
            " . ".join(
                [item.title for item in meeting.items]
                + [item.report for item in meeting.items]
                + list(meeting.council.contacts)
            )
        )

    def author(self, author: PostAuthor, network: str) -> Author:
        """Who an account belongs to: by the network's stable id, else by handle."""
        if author.id is not None and (network, author.id) in self._ids:
            return self._ids[network, author.id]
        known = self._handles.get((network, _plain_handle(author.handle)), Author())
        if known.account is not None and author.id is not None and known.account.id not in (None, author.id):
            return Author()  # a handle its owner has given up, and somebody else has taken
        return known

    def whom(self, target: Target | None, network: str) -> Person | None:
        """Whom a reply, quote or mention is to: a member, or one of the public. None for the council's own account."""
        if target is None or not (target.handle or target.id):
            return None
        author = self.author(PostAuthor(target.handle or "", target.id), network)
        if author.member is not None:
            return self.people[author.member.id]
        handle = target.handle or target.id or ""
        return None if author.is_council else Person(f"@{handle}", f"@{handle}")

    def words(self, lexicon: str) -> frozenset[str]:
        """The stems of every word in a lexicon (for vocabularies, where phrases do not matter)."""
        if lexicon not in self._words:
            groups = self._lexicons[lexicon].group if lexicon in self._lexicons else ()
            words = (token for group in groups for word in group.words for token in tokens_of(word))
            self._words[lexicon] = frozenset(stem(token.text) for token in words if token.kind is TokenKind.WORD)
        return self._words[lexicon]

    def _know(self, account: Account, author: Author) -> None:
        if account.id is not None:
            self._ids[account.network, account.id] = author
        self._handles[account.network, _plain_handle(account.handle)] = author

    def _common_stems(self) -> frozenset[str]:
        """The stems of words that are about the meeting but about no one item: council, places, people, hashtags."""
        meeting = self.meeting
        names = [meeting.title, meeting.council.name, *meeting.council.places, *meeting.hashtags]
        names += [person.name for person in self.people.values()]
        names += [alias for member in meeting.members for alias in member.also_known_as]
        names += [member.ward or "" for member in meeting.members]
        return stems_of(". ".join(names))


def _plain_handle(handle: str) -> str:
    return accent_free(handle.removeprefix("@"))


def _names(people: Mapping[str, Person]) -> dict[Sense, list[str]]:
    """What each person may be called. Strong: full name, title and surname, known nicknames. Weak: the rest."""
    firsts = [person.name.split()[0].casefold() for person in people.values()]
    lasts = [person.name.split()[-1].casefold() for person in people.values()]
    names: dict[Sense, list[str]] = {}
    for person in people.values():
        full = _literal(person.name)
        first, last = full.split()[0], full.split()[-1]
        aliases = person.member.also_known_as if person.member else ()
        if person.officer is not None:
            aliases = person.officer.also_known_as
        known_as = [literal for alias in aliases if (literal := _literal(alias))]
        strong = [full, *(f"{{cllr|councillor|coun|mr|mrs|ms|miss|dr}} {name}" for name in (last, full))]
        strong += [f"{alias} {last}" for alias in known_as]
        strong += [f"{{cllr|councillor}} {name}" for name in (first, *known_as)]
        weak = list(known_as)
        if lasts.count(last.casefold()) == 1:
            weak.append(last)
        if firsts.count(first.casefold()) == 1:
            weak.append(first)
        offices = map(_literal, person.member.offices if person.member else _posts(person.officer, people))
        names[Sense(NAMES, person.id, 1.0)] = strong
        names[Sense(NAMES, person.id, WEAK)] = weak
        names[Sense(NAMES, person.id, OFFICE)] = [office for office in offices if office]
    return names


def _literal(name: str) -> str:
    """A name with nothing in it that a phrase would take for a choice or a wildcard; never empty."""
    return " ".join(re.sub(r"[{}|*~]", " ", name).split()) or "–"


def _posts(officer: Officer | None, people: Mapping[str, Person]) -> tuple[str, ...]:
    """What an officer's post is called: in full, and by its last word (“the clerk”) when no other's ends so."""
    if officer is None or not officer.post:
        return ()
    lasts = [person.officer.post.split()[-1] for person in people.values() if person.officer and person.officer.post]
    last = officer.post.split()[-1]
    return (officer.post, last) if lasts.count(last) == 1 else (officer.post,)


def all_lexicons(packs: Iterable[Sequence[Lexicon]]) -> tuple[Lexicon, ...]:
    """The lexicons of several packs, each once."""
    return tuple({lexicon.id: lexicon for lexicons in packs for lexicon in lexicons}.values())
