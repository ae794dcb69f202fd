"""Whom words are aimed at: at a person we know, or at a policy, a body, nobody.

This is grammar in the small: within one sentence, is this word said *of* a person (a name, a mention, “you” in a
reply, “he” after a name), or of something else, or quoted, denied, reported, or said of oneself? Vocabulary comes
from lexicons; only the little words of English grammar stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

from feedmon.judgement.case import Case, Trail
from feedmon.judgement.packs import Use
from feedmon.judgement.phrasebook import Hit
from feedmon.judgement.room import NAMES, OFFICE, WEAK, Person
from feedmon.judgement.text import Token, TokenKind
from feedmon.model.posts import Author, Target

OFFICE_HOLDER = "office"
"""The label, in the people lexicon, of ways to mean a member by seat or office; also the id of whoever is meant."""

_INSTITUTION = "institution"
_BE = frozenset("is s are was were be being been am looks look sounds sound seems seem remains acts acting".split())
_BETWEEN = frozenset(
    """a an the such so very really just absolute absolutely total totally complete completely utter
    utterly proper properly pure right real bit of one what how like as always still being been pretty
    quite too clearly obviously truly simply basically such big little old sad silly poor great massive
    biggest most more than ever our own this that bloody fucking effing sodding flaming flipping
    blithering raving prize first class world actual actually literally nothing but another some kind
    sort only up here there you your yourself again and is s are was were be am looks sounds seems
    remains acting looking no less honestly frankly today tonight now also even both all completely""".split()
)
_THE = frozenset("the our this that your madam mister mr".split())
_ALONGSIDE = frozenset("in at on with from sat sitting opposite beside next over who wearing behind near".split())
_AND = frozenset("and but or so because while when".split())
_LEADING_AWAY = frozenset(
    """of for to at by with from about against who that which said says called voted want wants wanted made make asked
    think thinks thought know knows see saw have has had got get need needs and or but if when why how""".split()
)
_NOT = frozenset("not nothing never nobody noone hardly isnt aint without nor neither".split())
_REPORT = frozenset(
    """called calls calling call branded labelled labeled described describes describing accused accuses accusing named
    heckled shouted shouts yelled said says wrote tweeted posted termed dubbed""".split()
)
_ABOUT_WORDS = frozenset(
    """apologise apologize apology apologised withdraw withdrawn unacceptable language slur slurs insult insults
    insulting insulted quote quoting namecalling abuse abusive""".split()
)
_ANYONE = frozenset("only any every anyone everyone nobody someone no each whoever which who".split())
_I = frozenset("i me my myself we us our".split())
_THIRD = frozenset("he she him her his they them himself herself".split())
_SECOND = frozenset("you your yourself yours yourselves".split())
_LEAD_IN = frozenset(
    """what such absolute absolutely total totally utter utterly complete completely a an the pure proper right bloody
    fucking oh you ya some prize how so very just lol haha honestly yes aye well and but still always typical god
    jesus christ""".split()
)


class Aim(msgspec.Struct, frozen=True):
    """A word said of a person: who, how sure the grammar makes it (0…1), and how we know, in words."""

    person: Person
    sureness: float
    how: str


class _Mentioned(msgspec.Struct, frozen=True):
    """A person named at tokens ``first`` to ``last``. ``owns`` says a possessive: the next noun is theirs, not them."""

    person: Person
    first: int
    last: int
    sure: bool
    owns: bool


def people_named(case: Case, people: str) -> tuple[_Mentioned, ...]:
    """Everyone the text points at, the author left out: by name, by handle, or as the ``people`` lexicon has them.

    That lexicon's groups other than “institution” hold ways to mean a person without a name: “the member opposite”.
    """
    return case.hits.once(f"people named, {people}", lambda: _people_named(case, people))


def _people_named(case: Case, people: str) -> tuple[_Mentioned, ...]:
    tokens = case.reading.tokens
    all_lower = not any(token.capital for token in tokens)
    named: dict[tuple[int, int], _Mentioned] = {}
    for hit in case.hits.of(people):
        if hit.sense.label != _INSTITUTION:
            someone = Person(hit.sense.label, f"“{_words(tokens, hit)}”")
            named[hit.first, hit.last] = _Mentioned(someone, hit.first, hit.last, True, _owns(tokens, hit.last))
    for hit in case.hits.of(NAMES):
        person = case.room.people[hit.sense.label]
        weak = hit.sense.strength <= WEAK
        if hit.sense.strength == OFFICE:
            if not _THE & {token.text for token in tokens[max(0, hit.first - 3) : hit.first]}:
                continue
        elif weak and not (all_lower or tokens[hit.last].capital):
            continue
        named[hit.first, hit.last] = _Mentioned(person, hit.first, hit.last, not weak, _owns(tokens, hit.last))
    for index, token in enumerate(tokens):
        if token.kind is TokenKind.MENTION:
            person_at = _mentioned_person(case, token)
            if person_at is not None:
                named[index, index] = _Mentioned(person_at, index, index, True, _owns(tokens, index))
    own = case.member.id if case.member else None
    whole: list[_Mentioned] = []
    for mentioned in sorted(named.values(), key=lambda m: (m.first, -m.last)):
        if whole and mentioned.last <= whole[-1].last:
            continue
        if whole and mentioned.first == whole[-1].last + 1 and _unnamed(whole[-1].person):
            whole.pop()  # “that man Oldroyd” is one person, and named
        whole.append(mentioned)
    return tuple(mentioned for mentioned in whole if mentioned.person.id != own)


def _unnamed(person: Person) -> bool:
    return person.member is None and person.officer is None and not person.id.startswith("@")


def addressee(case: Case) -> tuple[Person, str] | None:
    """The one person a post speaks to: whose post it answers or quotes, else the only one it mentions.

    Someone who is not on the roster is one of the public; the council's own account is nobody.
    """
    return case.hits.once("addressee", lambda: _addressee(case))


def _addressee(case: Case) -> tuple[Person, str] | None:
    post = case.post
    own = case.member.id if case.member else None
    for target, how in ((post.reply_to, "in a reply to"), (post.quote, "quoting")):
        person = case.room.whom(target, post.network)
        if person is not None and person.id != own and not _same_account(target, post.author):
            return person, f"{how} {person.name}"
    mentioned = {
        person.id: person for target in post.mentions if (person := case.room.whom(target, post.network)) is not None
    }
    for token in case.reading.tokens:
        if token.kind is TokenKind.MENTION and (person := _mentioned_person(case, token)) is not None:
            mentioned[person.id] = person
    mentioned.pop(own or "", None)
    if len(mentioned) == 1:
        (person,) = mentioned.values()
        return person, f"mentioning {person.name}"
    return None


def excuse(case: Case, hit: Hit) -> str | None:
    """Why a word does not count where it stands, if it does not: quoted, denied, reported, of oneself, of anyone."""
    tokens = case.reading.tokens
    if all(token.quoted for token in tokens[hit.first : hit.last + 1]):
        return "it stands in quotation marks"
    start, _ = _sentence(tokens, hit.first)
    before = [token.text for token in tokens[start : hit.first]]
    near = before[-6:]
    if _NOT & set(before[-4:]) and "just" not in before[-4:] and "only" not in before[-4:]:
        return "it is denied"
    if _REPORT & set(near):
        speaker = before[max(0, _last(before, _REPORT) - 4) : _last(before, _REPORT)]
        if "i" not in speaker or {"will", "not"} & set(speaker):
            return "it reports what was said"
    if hit.sense.use in (Use.NAME, Use.DESCRIBES):
        if before[-3:] and _ANYONE & set(before[-3:]):
            return "it is said of anyone, not of someone"
        subject = [word for word in before[-6:] if word in _I | _SECOND | _THIRD]
        if subject and subject[-1] in {"i", "me", "myself"}:
            return "it is said of oneself"
        if subject and subject[-1] in {"we", "us"}:
            return "it is said of oneself among others"
    return None


def aim(case: Case, hit: Hit, people: str) -> Aim | None:
    """Whom a word or phrase is aimed at, if at someone; ``people`` is the lexicon :func:`people_named` takes."""
    tokens = case.reading.tokens
    start, stop = _sentence(tokens, hit.first)
    named = people_named(case, people)
    here = [m for m in named if start <= m.first and m.last < stop]
    bodies = [
        body
        for body in case.hits.of(people, _INSTITUTION)
        if start <= body.first and body.last < stop and not hit.first <= body.first <= hit.last
    ]
    spoken_to = addressee(case)
    if hit.sense.use in (Use.NAME, Use.DESCRIBES):
        if _modifies_a_body(tokens, hit, bodies):
            return None
        for mentioned in reversed([m for m in here if m.last < hit.first]):
            if not mentioned.owns and _joined(tokens, mentioned.last + 1, hit.first, bodies):
                return Aim(mentioned.person, 0.95 if mentioned.sure else 0.9, f"said of {mentioned.person.name}")
        for mentioned in here:
            if (
                hit.last < mentioned.first
                and not mentioned.owns
                and not any(token.text in _AND for token in tokens[hit.last + 1 : mentioned.first])
                and _joined(tokens, hit.last + 1, mentioned.first, bodies)
            ):
                return Aim(mentioned.person, 0.9 if mentioned.sure else 0.85, f"said of {mentioned.person.name}")
        second = _nearest_before(tokens, hit, start, _SECOND)
        if second is not None and _joined(tokens, second + 1, hit.first, bodies):
            if spoken_to is not None:
                return Aim(spoken_to[0], 0.95, f"said to “you”, {spoken_to[1]}")
            if len({m.person.id for m in named}) == 1:
                return Aim(named[0].person, 0.85, f"said to “you”, speaking to {named[0].person.name}")
        third = _nearest_before(tokens, hit, start, _THIRD)
        if third is not None and _joined(tokens, third + 1, hit.first, bodies):
            earlier = [m.person for m in named if m.first < third]
            person = earlier[-1] if earlier else (spoken_to[0] if spoken_to else None)
            if person is not None:
                return Aim(person, 0.8, f"said of “{tokens[third].text}”, meaning {person.name}")
        if spoken_to is not None and not here and _bare(tokens, start, hit):
            return Aim(spoken_to[0], 0.8, f"said bare, {spoken_to[1]}")
        if len(here) == 1 and not here[0].owns and not bodies and _bare(tokens, start, hit):
            return Aim(here[0].person, 0.7, f"said in one breath with {here[0].person.name}")
        just_named = _named_in_the_sentence_before(tokens, start, named)
        if just_named is not None and not here and not bodies and _bare(tokens, start, hit):
            return Aim(just_named, 0.75, f"said right after naming {just_named.name}")
        return None
    return _aim_of_a_phrase(
        tokens, hit, named, [m for m in here if not m.owns or m.last < hit.first], bodies, spoken_to
    )


def aim_of_a_threat(case: Case, hit: Hit, people: str) -> Aim | None:
    """Whom a threat is aimed at: what is someone's (their window, their children) counts as them; no body excuses."""
    tokens = case.reading.tokens
    start, stop = _sentence(tokens, hit.first)
    named = people_named(case, people)
    here = [m for m in named if start <= m.first and m.last < stop]
    return _aim_of_a_phrase(tokens, hit, named, here, [], addressee(case))


def _aim_of_a_phrase(
    tokens: Sequence[Token],
    hit: Hit,
    named: Sequence[_Mentioned],
    near: Sequence[_Mentioned],
    bodies: Sequence[Hit],
    spoken_to: tuple[Person, str] | None,
) -> Aim | None:
    """Whom a phrase is aimed at that says everything by itself; ``near`` are those its own sentence names."""
    start, stop = _sentence(tokens, hit.first)
    if near:
        mentioned = min(near, key=lambda m: abs(m.first - hit.first))
        return Aim(mentioned.person, 0.9 if mentioned.sure else 0.8, f"in one sentence with {mentioned.person.name}")
    if spoken_to is not None:
        return Aim(spoken_to[0], 0.85 if not bodies else 0.55, spoken_to[1])
    if named and any(token.text in _THIRD for token in tokens[start:stop]):
        return Aim(named[-1].person, 0.75, f"said of “{named[-1].person.name}”, named before")
    just_named = _named_in_the_sentence_before(tokens, start, named)
    if just_named is not None and not bodies:
        return Aim(just_named, 0.7, f"said right after naming {just_named.name}")
    return None


def _words(tokens: Sequence[Token], hit: Hit) -> str:
    return " ".join(token.text for token in tokens[hit.first : hit.last + 1])


def excuse_for_a_word(case: Case, hit: Hit) -> str | None:
    """Like :func:`excuse`, for bad words: a post that condemns or asks back a word has to name it."""
    texts = [token.text for token in case.reading.tokens]
    named = any(
        this in ("the", "that", "this") and word in ("word", "words", "phrase") for this, word in pairwise(texts)
    )
    if _ABOUT_WORDS & set(texts) or named:
        return "the post is about the word, not using it"
    return excuse(case, hit)


def own_words(
    case: Case, lexicon: str, trail: Trail, what: str, excused: Callable[[Case, Hit], str | None] = excuse
) -> tuple[Hit, ...]:
    """The phrases of a lexicon that a post says as its author's own; ``what`` says what they are, for the trail."""
    hits = case.hits.of(lexicon)
    if not trail.holds(what, hits, case.said(*hits)):
        return ()
    own = tuple(hit for hit in hits if excused(case, hit) is None)
    trail.holds("that is said as the author's own, not quoted, denied or reported", own)
    return own


def asks(case: Case, hit: Hit) -> bool:
    """Whether the sentence of a hit is a question."""
    tokens = case.reading.tokens
    stop = next((token for token in tokens[hit.last :] if token.kind is TokenKind.STOP), None)
    return stop is not None and "?" in case.post.text[stop.start : stop.end]


def at_someone_unnamed(case: Case, hit: Hit) -> bool:
    """Whether the words themselves are of a “he” or “she” that the post never names: the room may know who is meant."""
    return any(token.text in _THIRD for token in case.reading.tokens[hit.first : hit.last + 1])


def _mentioned_person(case: Case, token: Token) -> Person | None:
    return case.room.whom(Target(handle=token.text.lstrip("@")), case.post.network)


def _same_account(target: Target | None, author: Author) -> bool:
    return target is not None and target.handle == author.handle


def _owns(tokens: Sequence[Token], last: int) -> bool:
    """Whether “…'s” after a name makes the next noun theirs (“Oldroyd's plan”), not the verb (“Oldroyd's a clown”)."""
    if last + 1 >= len(tokens) or tokens[last + 1].text != "s" or tokens[last + 1].end != tokens[last].end:
        return False
    following = tokens[last + 2].text if last + 2 < len(tokens) else ""
    return following not in _BETWEEN | _NOT | {"got", "been", "gone", "asleep", "off", "on", "at", "in"}


def _sentence(tokens: Sequence[Token], index: int) -> tuple[int, int]:
    start = index
    while start > 0 and tokens[start - 1].kind is not TokenKind.STOP:
        start -= 1
    if tokens[index].kind is TokenKind.EMOJI and start == index and index > 0:
        return _sentence(tokens, index - 1)[0], index + 1
    stop = index
    while stop < len(tokens) and tokens[stop].kind is not TokenKind.STOP:
        stop += 1
    return start, stop


def _named_in_the_sentence_before(tokens: Sequence[Token], start: int, named: Sequence[_Mentioned]) -> Person | None:
    """The one person named in the sentence before, if exactly one was and nothing of theirs is meant instead."""
    if start == 0:
        return None
    first, stop = _sentence(tokens, start - 2) if start >= 2 else (0, start)
    there = [m for m in named if first <= m.first and m.last < stop and not m.owns]
    return there[0].person if len({m.person.id for m in there}) == 1 else None


def _last(words: Sequence[str], among: frozenset[str]) -> int:
    return max(index for index, word in enumerate(words) if word in among)


def _joined(tokens: Sequence[Token], first: int, stop: int, bodies: Sequence[Hit]) -> bool:
    """Whether nothing but little words stands between a person and what is said of them.

    A few words of where they are may come first: “the man in the green coat is …”.
    """
    if any(first <= body.first < stop for body in bodies):
        return False
    between = [token.text for token in tokens[first:stop] if token.kind is not TokenKind.MENTION]
    if between and between[0] in _ALONGSIDE:
        verbs = [index for index, word in enumerate(between) if word in _BE]
        between = between[verbs[-1] :] if verbs and verbs[-1] <= 8 else between
    unknown = sum(word not in _BETWEEN for word in between)
    if _one_noun_phrase(tokens[first - 1].text if first else "", between):
        return unknown <= 3
    return len(between) <= 8 and unknown <= (1 if len(between) > 1 else 0)


def _one_noun_phrase(before: str, between: Sequence[str]) -> bool:
    """Whether the words lead into one noun said of someone: “is a greedy, whingeing …”, “you greedy, whingeing …”."""
    if _LEADING_AWAY & set(between):
        return False
    if before in _SECOND:
        return True
    articles = [index for index, word in enumerate(between) if word in ("a", "an") and between[index - 1] in _BE]
    return bool(articles) and articles[0] > 0 and all(word in _BETWEEN for word in between[: articles[0]])


def _modifies_a_body(tokens: Sequence[Token], hit: Hit, bodies: Sequence[Hit]) -> bool:
    """Whether what follows, or is said before the verb, is a policy or body: “clown show of a budget”."""
    if any(hit.last < body.first <= hit.last + 2 for body in bodies):
        return True
    for body in bodies:
        if body.last < hit.first:
            between = [token.text for token in tokens[body.last + 1 : hit.first]]
            if between and between[0] in _BE and all(word in _BETWEEN | _BE for word in between):
                return True
    return False


def _nearest_before(tokens: Sequence[Token], hit: Hit, start: int, among: frozenset[str]) -> int | None:
    return next((index for index in range(hit.first - 1, start - 1, -1) if tokens[index].text in among), None)


def _bare(tokens: Sequence[Token], start: int, hit: Hit) -> bool:
    """Whether the sentence comes down to the word itself: “What an absolute muppet.”"""
    before = [token.text for token in tokens[start : hit.first] if token.kind is TokenKind.WORD]
    return sum(word not in _LEAD_IN | _BETWEEN for word in before) <= 1 and len(before) <= 6
