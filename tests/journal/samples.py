"""Small, believable things to put in a journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from feedmon.model.entries import PostCaptured
from feedmon.model.posts import Author, Post

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


class TestClock:
    """A clock that moves on by a second each time it is asked."""

    __test__ = False

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    async def sleep_until(self, at: datetime) -> None:
        raise NotImplementedError


def captured(number: int, network: str = "bluesky", text: str | None = None) -> PostCaptured:
    """A member's post, told apart by its number."""
    return PostCaptured(
        post=Post(
            network=network,
            id=f"at://did:plc:renfrew/app.bsky.feed.post/{number}",
            author=Author(handle="renfrew.example", id="did:plc:renfrew", name="Cllr Tobias Renfrew"),
            text=text if text is not None else f"Post number {number} from the meeting",
            observed_at=NOON + timedelta(seconds=number),
            source=network,
        ),
        member="tobias-renfrew",
    )
