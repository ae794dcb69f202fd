"""Two hours of posts on three networks, and what goes wrong on the way from them: drawn by a seed. And, as the model,
what each network offered when.

All times are seconds into the meeting's window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import msgspec

from feedmon.model.instants import to_micros
from feedmon.model.meeting import Account, Meeting, SourceSpec, Window
from feedmon.rehearsal.faults import Fault
from feedmon.rehearsal.mastodon_recording import Act
from feedmon.rehearsal.rss_server import FeedEntry
from tests.service import rooms
from tests.sources import bluesky_frames, mastodon_rig
from tests.sources.mastodon_rig import deleted, posted, status

LASTS = 7_200.0
TAG = "#SaltmarshTC"
BURST = (52.5 * 60, 56.0 * 60)
"""When the newspaper publishes more at once than its feed shows. Nobody can reach it then."""

SHOWN = 20
"""How many letters the newspaper's feed shows at once."""

LAST_TOOT = 75 * 60.0
TOO_LATE = 113 * 60.0
"""When the last posts appear on the Mastodon server before its token is revoked, and when others do after that."""

_FIRST, _LAST_POST = 90.0, 104 * 60.0
_RESTARTS = ((0.0, 600.0), (1_500.0, 5_600.0))  # the service is started and, in the second, killed in these times
_STARTS = rooms.meeting().window.starts
_BROUGHT_FORWARD = (_STARTS - bluesky_frames.EVENING).total_seconds()  # the frames' helpers count from another hour
_MEMBERS = (rooms.BRENNAN, rooms.OLDROYD)


def at(seconds: float) -> datetime:
    """So many seconds into the window."""
    return _STARTS + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Version:
    """One version of a post: shown from ``since`` until (None: to the end) it was replaced, deleted or pushed out.

    ``kept`` says that it is one to write down: a member's, or flagged.
    """

    network: str
    id: str
    text: str
    since: float
    kept: bool
    claimed: datetime | None = None
    until: float | None = None


@dataclass
class Offered:
    """What the networks are made to say, and the model of it."""

    bluesky: list[bytes] = field(default_factory=list)
    mastodon: list[Act] = field(default_factory=list)
    rss: list[FeedEntry] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    deleted: dict[str, float] = field(default_factory=dict)
    skewed: Counter[str] = field(default_factory=Counter)

    @classmethod
    def drawn(cls, seed: int) -> Offered:
        random, offered = Random(seed), cls()
        offered._draw_bluesky(random)
        offered._draw_mastodon(random)
        offered._draw_rss(random)
        return offered

    @property
    def shown_last(self) -> set[str]:
        """The letters that the newspaper's feed shows at the end."""
        letters = dict.fromkeys(one.id for one in sorted(self.versions, key=_since) if one.network == "rss")
        return set(list(letters)[-SHOWN:])

    def _claim(self, random: Random, seconds: float, most: float) -> datetime:
        """What an author's own clock says: mostly right, else ahead or behind by up to ``most`` seconds."""
        skew = random.uniform(most / 2, most) if random.random() < 0.2 else 0.0
        ahead = random.random() < 0.5
        if skew:
            self.skewed["clock ahead" if ahead else "clock behind"] += 1
        return at(seconds + (skew if ahead else -skew)).replace(microsecond=0)

    def _draw_bluesky(self, random: Random) -> None:
        frames: list[tuple[float, bytes]] = []
        for number in range(640):
            second, key = random.uniform(_FIRST, _LAST_POST), f"3k{number:011d}"
            if number % 5 == 0:  # soon after another, so that the two can change places
                second = frames[-1][0] + random.uniform(0.2, 1.5) if frames else second
            kind = random.choice(("member", "member", "member", "resident", "threat", "stranger", "stranger"))
            author = random.choice(_MEMBERS) if kind == "member" else rooms.RESIDENT
            text = {
                "member": f"Skeet {number} from the chamber {TAG}",
                "resident": f"Skeet {number}: what about the harbour lights? {TAG}",
                "threat": f"{rooms.THREAT} {number}",
                "stranger": f"Skeet {number} of something else",
            }[kind]
            claimed = self._claim(random, second, 10_800)
            frames.append((second, _frame(str(author.id), key, text, second, claimed)))
            if kind == "stranger":
                continue
            ends = second + random.uniform(1, 240)
            fate = random.random() if kind == "member" else 1.0
            post_id = bluesky_frames.uri(str(author.id), key)
            first = Version("bluesky", post_id, text, second, kind != "resident", claimed)
            if fate < 0.15:
                again = f"Skeet {number} put better {TAG}"
                frames.append((ends, _frame(str(author.id), key, again, ends, claimed, operation="update")))
                self.versions.append(Version("bluesky", post_id, again, ends, True, claimed))
            elif fate < 0.3:
                frames.append((ends, bluesky_frames.gone(str(author.id), key, _micros(ends))))
                self.deleted[post_id] = ends
            self.versions.append(first)
        self.bluesky = [frame for _, frame in sorted(frames)]

    def _draw_mastodon(self, random: Random) -> None:
        accounts = {author.id: _account(author.handle) for author in (*_MEMBERS, rooms.RESIDENT)}
        times = sorted(random.uniform(_FIRST, LAST_TOOT) for _ in range(170))
        for number, second in enumerate([*times, *(TOO_LATE + 10 * one for one in range(6))]):
            author = random.choice((*_MEMBERS, rooms.RESIDENT))
            member = author is not rooms.RESIDENT
            claimed = second if second >= LAST_TOOT - 600 else self._late(random, second)
            text = f"Toot {number} from {'the chamber' if member else 'the gallery'} {TAG}"
            by = accounts[author.id]
            named = mastodon_rig.number_at(at(claimed), number)
            uri = f"{by['uri']}/statuses/{named}"
            one = status(number, f"<p>{text}</p>", claimed + _BROUGHT_FORWARD, by=by, id=named, uri=uri)
            self.mastodon.append(posted(one, second + _BROUGHT_FORWARD))
            fate = random.random() if member and second < LAST_TOOT - 900 else 1.0
            ends = second + random.uniform(20, 400)
            until = ends if fate < 0.3 else None
            self.versions.append(Version("mastodon", one["uri"], text, second, member, None, until))
            if fate < 0.15:
                again = f"Toot {number} put better {TAG}"
                edited = bluesky_frames.EVENING + timedelta(seconds=ends + _BROUGHT_FORWARD)
                better = {**one, "content": f"<p>{again}</p>", "edited_at": mastodon_rig.iso(edited)}
                self.mastodon.append(posted(better))
                self.versions.append(Version("mastodon", one["uri"], again, ends, True))
            elif fate < 0.3:
                self.mastodon.append(deleted(one, ends + _BROUGHT_FORWARD))
                self.deleted[one["uri"]] = ends
        self.mastodon.sort(key=lambda act: act.due)

    def _late(self, random: Random, second: float) -> float:
        """The time a post's own server claims for it, some minutes behind."""
        if random.random() < 0.1 and second > 700:
            self.skewed["clock behind"] += 1
            return second - random.uniform(120, 480)
        return second

    def _draw_rss(self, random: Random) -> None:
        times = sorted(random.uniform(_FIRST, _LAST_POST) for _ in range(90))
        times = sorted([*times, *(random.uniform(*BURST) for _ in range(32))])
        for number, second in enumerate(times):
            author = random.choice((*_MEMBERS, rooms.RESIDENT))
            member = author is not rooms.RESIDENT
            text = f"Letter {number} to the editor {TAG}"
            # a service that starts anew has nothing but a date to tell a new entry by
            honest = any(start < second < stop for start, stop in _RESTARTS)
            claimed = at(second).replace(microsecond=0) if honest else self._claim(random, second, 10_800)
            entry = FeedEntry(
                guid=f"letter-{number}",
                at=at(second),
                html=text,
                author=_name(author.name),
                claimed=f"{claimed:%a, %d %b %Y %H:%M:%S +0000}",
            )
            self.rss.append(entry)
            post_id = f"127.0.0.1 letter-{number}"
            edits = member and random.random() < 0.15
            ends = second + random.uniform(30, 300)
            until = ends if edits else None
            self.versions.append(Version("rss", post_id, text, second, member, claimed, until))
            if edits:
                again = f"Letter {number} put better {TAG}"
                self.rss.append(msgspec.structs.replace(entry, at=at(ends), html=again))
                self.versions.append(Version("rss", post_id, again, ends, True, claimed))
        self.rss.sort(key=lambda entry: entry.at)


def the_meeting(bluesky: str, mastodon: str, rss: str) -> Meeting:
    """Two hours over these three feeds, with members who have an account on each."""
    meeting = rooms.meeting()
    members = []
    for member in meeting.members:
        accounts = list(member.accounts)
        for author in _MEMBERS:
            if author.id in {account.id for account in member.accounts}:
                toots = _account(author.handle)
                domain = mastodon_rig.DOMAIN
                accounts.append(Account(network="mastodon", handle=f"{toots['acct']}@{domain}", id=toots["uri"]))
                slug = _name(author.name).lower().replace(" ", "-")
                accounts.append(Account(network="rss", handle=f"{slug}@127.0.0.1"))
        members.append(msgspec.structs.replace(member, accounts=tuple(accounts)))
    return msgspec.structs.replace(
        meeting,
        window=Window(_STARTS, at(LASTS)),
        members=tuple(members),
        sources=(
            SourceSpec(kind="bluesky", name="bluesky", url=bluesky),
            SourceSpec(kind="mastodon", name="mastodon", url=mastodon),
            SourceSpec(kind="rss", name="rss", url=rss),
        ),
    )


def strewn(random: Random, places: Sequence[int], kinds: dict[Fault, int]) -> dict[int, list[Fault]]:
    """So many faults of each kind, over these places of a recording."""
    faults: dict[int, list[Fault]] = {}
    for kind, count in kinds.items():
        for _ in range(count):
            faults.setdefault(random.choice(places), []).append(kind)
    for those in faults.values():
        random.shuffle(those)
    return faults


def _frame(did: str, key: str, text: str, second: float, claimed: datetime, operation: str = "create") -> bytes:
    record = bluesky_frames.record(text, createdAt=f"{claimed:%Y-%m-%dT%H:%M:%S}.000Z")
    return bluesky_frames.written(did, key, record, _micros(second), operation=operation)


def _micros(second: float) -> int:
    return to_micros(at(second)) - bluesky_frames.T0


def _account(handle: str) -> dict[str, str]:
    return mastodon_rig.account(handle.removesuffix(".example"))


def _since(version: Version) -> float:
    return version.since


def _name(name: str) -> str:
    return name.removeprefix("Cllr ")
