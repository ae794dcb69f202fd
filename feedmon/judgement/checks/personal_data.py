"""A post gives away someone's personal data (Dover 6.1(f); NEDDC 4.4, 6.1; Ventnor 8.3).

Patterns are facts; whose data it is, is not. What the council publishes itself (its contacts, an address in tonight's
open papers) passes, and so does what the author says of their own surgery or office.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import phonenumbers

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.text import folded
from feedmon.model.flags import Basis, Severity, Span

_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}"
_STREET = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|close|drive|way|crescent|terrace|gardens|court|place|hill|row|mews|walk|"
    r"green|square|parade|rise|view|grove|cottages?|house|flats?)"
)
_NUMBER = r"(?<![\d.,£€$])(?<![£€$]\s)\b\d{1,4}[a-z]?,?\s+"
_ADDRESS = re.compile(
    rf"\b(?:(?i:flat|apartment|unit)\s+\d+\w?,?\s+)?{_NUMBER}(?:[A-Z][\w'’-]+\s+){{1,3}}(?i:{_STREET})\b"
    rf"(?:[,\s]+(?:[A-Z][\w'’-]+,?\s+){{0,3}}(?i:{_POSTCODE}))?"
)
_WITH_POSTCODE = re.compile(rf"\b\d{{1,4}}[a-z]?,?\s+(?:[^\W\d_][\w'’-]*,?\s+){{1,5}}{_POSTCODE}\b", re.IGNORECASE)
_POSTCODE_ALONE = re.compile(rf"\b{_POSTCODE}\b", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.@])\w[\w.+-]*@[\w-]+(?:\.[\w-]+)+")
_NI = re.compile(
    r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D]\b", re.IGNORECASE
)
_NHS = re.compile(r"(?<!\d)\d{3}[\s-]?\d{3}[\s-]?\d{4}(?!\d)")
_BORN = re.compile(
    r"\b(?:dob|d\.o\.b\.?|date of birth|born(?: on)?)[:\s]+\d{1,2}[\s./-](?:\d{1,2}|[a-z]{3,9})[\s./-]\d{2,4}",
    re.IGNORECASE,
)
_BANK = re.compile(
    r"\bsort code:?\s*\d{2}[\s-]?\d{2}[\s-]?\d{2}\b|\b(?:account|acct|a/c)(?: (?:number|no\.?))?:?\s*\d{8}\b",
    re.IGNORECASE,
)
_CAR = re.compile(r"\b[A-Z]{2}\d{2}\s?[A-Z]{3}\b")
_SCHOOL = re.compile(r"\b(?:year|form|class|reception)\s+\d{1,2}[A-Za-z]?\b", re.IGNORECASE)
_NAMED = re.compile(r"\b[A-Z][a-z]+ (?:Mc|Mac|O['’])?[A-Z][a-z]+\b")
_LIVES = re.compile(
    r"\b(?:lives?|living|home|address|stays|resides|find (?:him|her|them)|(?:his|her|their|'s|’s) (?:place|door|house)|"
    r"pop(?:ping)? (?:round|over)|knock on|(?:he|she|they)(?:['’](?:s|re)| is| are) (?:at|in|of))\b",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:my|our) (?:surgery|office|number|mobile|phone|email|e-mail|door|address|house|home)\b|"
    r"\b(?:ring|call|phone|email|e-mail|text|reach|contact|message) (?:me|us)\b",
    re.IGNORECASE,
)
_PLANNING = re.compile(
    r"\b(?:application|planning|erection|extension|dwelling|site|proposed|land (?:at|adjacent|off|rear))\b",
    re.IGNORECASE,
)
_CHILD = re.compile(
    r"\b(?:child|children|kids?|son|daughter|pupil|schoolboy|schoolgirl|boy|girl|lad|lass|young|aged \d+|year old|"
    r"(?:ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen))\b",
    re.IGNORECASE,
)
_NOT_PERSONAL = frozenset(
    {
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
    }
)


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """None: what personal data looks like is the same everywhere."""


class _Datum(msgspec.Struct, frozen=True):
    what: str
    span: Span
    home: bool = False


def check(case: Case, _: Parameters, trail: Trail) -> Finding | None:
    """Flag an address, telephone number, e-mail, NI or NHS number or date of birth that is not the council's own."""
    text = case.post.text
    found = tuple(_found(text))
    if not trail.holds("it has an address, number or date of a personal kind", found, ", ".join(d.what for d in found)):
        return None
    private = tuple(datum for datum in found if not _published(case, text[datum.span.start : datum.span.end]))
    if not trail.holds("it is not the council's own contact, nor in tonight's open papers", private):
        return None
    if not trail.holds(
        "it is not about a planning site", not all(d.home for d in private) or not _PLANNING.search(text)
    ):
        return None
    if not trail.holds("it is not the author's own contact", not _OWN.search(text)):
        return None
    addresses = [datum for datum in private if datum.home]
    at_home = bool(addresses) and (_LIVES.search(text) is not None or _someone_at(case, addresses))
    others = [datum for datum in private if not datum.home]
    if not trail.holds("an address is given as someone's home", at_home or others):
        return None
    child = _CHILD.search(text) is not None
    counted = (addresses if at_home else []) + others
    return Finding(
        basis=Basis.FACT,
        score=0.9 if at_home or child else 0.8,
        reason=f"Gives {_listed([datum.what for datum in counted])}.",
        spans=tuple(sorted(datum.span for datum in counted)),
        severity=Severity.CRITICAL if at_home or child else None,
    )


def _found(text: str) -> Iterator[_Datum]:
    if not any(character.isdigit() or character == "@" for character in text):
        return
    taken: list[tuple[int, int]] = []

    def fresh(start: int, end: int) -> bool:
        if any(start < b and a < end for a, b in taken):
            return False
        taken.append((start, end))
        return True

    for pattern, what, home in (
        (_BORN, "a date of birth", False),
        (_NI, "a National Insurance number", False),
        (_BANK, "bank details", False),
        (_CAR, "a vehicle's registration", False),
        (_EMAIL, "an e-mail address", False),
        (_WITH_POSTCODE, "a street address", True),
        (_ADDRESS, "a street address", True),
        (_POSTCODE_ALONE, "a postcode", True),
    ):
        for match in pattern.finditer(text):
            if fresh(match.start(), match.end()):
                yield _Datum(what, Span(match.start(), match.end(), what), home)
    for match in _NHS.finditer(text):
        if _nhs_check(match.group()) and "nhs" in text.casefold() and fresh(match.start(), match.end()):
            yield _Datum("an NHS number", Span(match.start(), match.end(), "an NHS number"))
    year = _SCHOOL.search(text) if _CHILD.search(text) and _NAMED.search(text) else None
    if year is not None:
        yield _Datum("a child's name and class", Span(year.start(), year.end(), "a child's class"))
    for number in phonenumbers.PhoneNumberMatcher(text, "GB", leniency=phonenumbers.Leniency.POSSIBLE):
        digits = sum(character.isdigit() for character in number.raw_string)
        if digits < 10 or phonenumbers.number_type(number.number) in _NOT_PERSONAL:
            continue
        if number.raw_string.lstrip("+(").startswith(("0", "44")) and fresh(number.start, number.end):
            yield _Datum("a telephone number", Span(number.start, number.end, "a telephone number"))


def _someone_at(case: Case, addresses: list[_Datum]) -> bool:
    """Whether a person's name, not a place of the council's, stands just before an address."""
    places = {place.casefold() for place in case.room.meeting.council.places}
    for datum in addresses:
        before = case.post.text[max(0, datum.span.start - 40) : datum.span.start]
        if any(match.group().casefold() not in places for match in _NAMED.finditer(before)):
            return True
    return False


def _nhs_check(text: str) -> bool:
    """The NHS number's check digit: weights ten down to two, modulus eleven."""
    digits = [int(character) for character in text if character.isdigit()]
    total = sum(digit * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False))
    return (11 - total % 11) % 11 == digits[9]


def _published(case: Case, datum: str) -> bool:
    """Whether the council publishes it, or tonight's open papers have it."""
    known = re.sub(r"\W", "", case.room.open_text)
    forms = (datum, _POSTCODE_ALONE.sub("", datum))
    return any(len(squeezed := re.sub(r"\W", "", folded(form))) > 3 and squeezed in known for form in forms)


def _listed(things: list[str]) -> str:
    unique = list(dict.fromkeys(things))
    return " and ".join(unique) if len(unique) < 3 else ", ".join(unique[:-1]) + f" and {unique[-1]}"
