"""What a value in a meeting file may be. Each check gives the value tidied, or says what is wrong and the mend."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from feedmon.documents.bundled import pack_ids
from feedmon.documents.files import shown
from feedmon.documents.located import Unfit
from feedmon.model.problems import did_you_mean

_LONGEST: Final = 300
_JOINERS: Final = "\u200c\u200d"  # several scripts are misspelt without them
_SOLID = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe"})
_TAG_ENDS = ".,;:!?…’'\"”)]}"


def optional_line(text: str) -> str:
    """One line of text without anything invisible in it, or nothing."""
    text = text.strip()
    for character in text:
        if character not in _JOINERS and (
            unicodedata.category(character).startswith("C") or character in "\u2028\u2029"
        ):
            name = unicodedata.name(character, "").lower() or f"U+{ord(character):04X}"
            what = "a line break" if character in "\n\r\u2028\u2029" else f"an invisible character ({name})"
            raise Unfit(f"holds {what}: “{shown(text, 60)}”.", "Delete it: this is shown on one line.")
    if len(text) > _LONGEST:
        raise Unfit(f"is {len(text)} characters long; {_LONGEST} is the most.")
    return text


def line(text: str) -> str:
    """One line of text that is not empty."""
    text = optional_line(text)
    if not text:
        raise Unfit("must not be empty.")
    return text


def line_or_nothing(text: str | None) -> str | None:
    """One line of text, or None when it was left empty."""
    return optional_line(text or "") or None


def prose(text: str) -> str:
    """A paper's text: its line ends made alike and its control characters (page breaks and such) made spaces."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text).strip()


def name_of(text: str) -> str:
    """An id: letters, digits, hyphens, dots and underscores, as in addresses and file names."""
    text = line(text)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", text):
        near = slug(text)
        mend = "Use only letters a to z, digits, hyphens, dots and underscores."
        raise Unfit(f"“{shown(text)}” will not do as an id.", f'{mend} For instance: "{near}".' if near else mend)
    return text


def slug(name: str) -> str:
    """An id made of a name: “Siân O'Neill” → ``sian-oneill``; empty when no letter of it can be so written."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_SOLID))
    letters = "".join(character for character in plain if character.isascii() and character not in "'`")
    return "-".join(re.findall(r"[a-z0-9]+", letters))[:80].strip("-")


def word(text: str) -> str:
    """A name that programs use, such as a network's: lower case, letters and digits."""
    text = line(text).lower()
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", text):
        raise Unfit(f"“{shown(text)}” will not do.", "Write one word, such as bluesky.")
    return text


def hashtag(text: str) -> str:
    """A hashtag without its “#”, in the case its author gave it."""
    tag = line(text).removeprefix("#").removeprefix("＃")
    if not tag:
        raise Unfit("is only a “#”.")
    if any(character.isspace() for character in tag):
        together = "".join(part[:1].upper() + part[1:] for part in tag.split())
        raise Unfit(f"“{shown(tag)}” has a space, and a hashtag is one word.", f'For instance: "#{shown(together)}".')
    if "#" in tag or "＃" in tag:
        raise Unfit(f"“{shown(tag)}” is more than one hashtag.", 'List them: ["#one", "#two"].')
    if tag[-1] in _TAG_ENDS or not any(character.isalpha() or character == "_" for character in tag):
        raise Unfit(f"“{shown(tag)}” is not what networks take for a hashtag.", "Letters, digits and underscores do.")
    if len(tag) > 64:
        raise Unfit("is longer than the 64 characters that a hashtag can have.")
    return tag


def handle(text: str) -> str:
    """An account's name on its network, without “@”."""
    text = line(text).removeprefix("@")
    if text.startswith(("did:", "http:", "https:")):
        what = "an id" if text.startswith("did:") else "an address"
        mend = f'Write it as id = "{shown(text)}".' if what == "an id" else "Write only the name at its end."
        raise Unfit(f"“{shown(text)}” is {what}, not a handle.", mend)
    if not text or any(character.isspace() for character in text):
        raise Unfit(f"“{shown(text)}” is not a handle.", "Write the account's name as its network shows it after “@”.")
    return text


def pack(text: str) -> str:
    """The id of a pack that feedmon comes with, or the name of a file of local rules that extends one."""
    known = pack_ids()
    if text not in known and not text.endswith(".toml"):
        raise Unfit(f"“{shown(text)}” is no pack of rules.", did_you_mean(shown(text), known))
    return text


def feed_url(text: str) -> str:
    """Where a feed is: a ws, wss, http or https address with nothing secret in it; several of ws or wss with commas."""
    text = line(text)
    for address in _ADDRESSES.split(text):
        try:
            parts = urlsplit(address)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host, parts = None, urlsplit("")
        if parts.scheme not in ("ws", "wss", "http", "https") or not host or " " in address:
            raise Unfit(f"“{shown(address)}” is not the address of a feed.", "It begins with wss:// or https://.")
        if parts.username or parts.password:
            raise Unfit("holds a user name or password.", "Secrets do not belong in the meeting file: take it out.")
    return text


def is_in_the_clear(url: str) -> bool:
    """Whether an address, or one of several, leads over the network unencrypted (this machine does not count)."""
    return any(_is_in_the_clear(address) for address in _ADDRESSES.split(url))


_ADDRESSES: Final = re.compile(r"\s*,\s*(?=wss?://)")


def _is_in_the_clear(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return parts.scheme in ("ws", "http") and not here


def time_zone(text: str) -> str:
    """A time zone's name, as the time zone database has it."""
    return zone_of(text).key


def zone_of(text: str) -> ZoneInfo:
    """The time zone of this name. Raises Unfit when there is none."""
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, LookupError):
        known = available_timezones()
        if not known:
            raise Unfit("cannot be looked up: no time zone data is installed.", "Install “tzdata”.") from None
        by_lower = {name.lower(): name for name in known}
        near = by_lower.get(text.lower())
        mend = f"Did you mean “{near}”?" if near else did_you_mean(shown(text), known)
        in_the_uk = "For the United Kingdom it is “Europe/London”."
        raise Unfit(f"“{shown(text)}” is no time zone known here.", mend or in_the_uk) from None


def in_utc(at: datetime, zone: ZoneInfo) -> datetime:
    """A time as the clerk wrote it, as an instant: without an offset it is local to ``zone``.

    Raises Unfit for a time that the clocks pass over or show twice that night, and for years out of reason.
    """
    if not 2000 <= at.year < 2200:
        raise Unfit(f"is in the year {at.year}, when no meeting can be followed.")
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    before, after = at.replace(tzinfo=zone), at.replace(tzinfo=zone, fold=1)
    if before.utcoffset() == after.utcoffset():
        return before.astimezone(UTC)
    if before.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == at:
        raise Unfit(
            f"comes twice that night: the clocks in {zone.key} go back.",
            f"Write which: {before.isoformat()} for the first, {after.isoformat()} for the second.",
        )
    later = before.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    raise Unfit(
        f"never comes: the clocks in {zone.key} go forward over it that night.", f"Perhaps {later.isoformat()}?"
    )
