"""feedmon follows a real personal data server: everything that happens there is seen, once, whatever happens to it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from random import Random

import aiohttp
import pytest
from websockets.asyncio.client import connect

from feedmon.model.instants import to_micros
from feedmon.model.meeting import SourceSpec
from feedmon.model.posts import Deleted, Edited, Seen, SourceEvent
from feedmon.model.sourcestate import FeedFault, Gap, SourceCondition, SourceState
from feedmon.service.clock import WallClock
from feedmon.sources import Selection, open_source
from feedmon.sources.base import Captured, SourceItem
from feedmon.sources.bluesky_cursor import Cursor
from feedmon.sources.bluesky_stream import Written
from feedmon.sources.firehose import PATH
from feedmon.sources.firehose_frames import read
from feedmon.sources.identity import NotResolved, handles_of, resolve
from feedmon.sources.select import hashtag_key
from feedmon.sources.supervisor import Policy, follow
from tests.real_network.servers import Network, Person

pytestmark = [pytest.mark.real_network, pytest.mark.fault]

CLOCK = WallClock()
PATIENCE = Policy(first_wait=0.2, longest_wait=1.0, healthy_after=2.0)


class Watch:
    """What following the server has told so far."""

    def __init__(self) -> None:
        self.items: list[SourceItem] = []
        self._more = asyncio.Event()

    def take(self, item: SourceItem) -> None:
        self.items.append(item)
        self._more.set()

    @property
    def events(self) -> list[SourceEvent]:
        return [item.event for item in self.items if isinstance(item, Captured)]

    @property
    def posts(self) -> list[str]:
        """The addresses of posts seen, in order."""
        return [event.post.id for event in self.events if isinstance(event, Seen)]

    @property
    def cursor(self) -> str | None:
        """The last cursor that came with anything."""
        return next((item.cursor for item in reversed(self.items) if getattr(item, "cursor", None)), None)  # type: ignore[union-attr]

    async def until(self, true: Callable[[Watch], object]) -> None:
        async with asyncio.timeout(30):
            while not true(self):
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def watching(network: Network, selection: Selection, cursor: str | None = None) -> AsyncIterator[Watch]:
    """Follow the server, until the block is over, as the service would."""
    source = open_source(SourceSpec(kind="pds", name="council-pds", url=network.stream_url), selection)
    watch = Watch()

    async def read() -> None:
        async with aclosing(follow(source, cursor, CLOCK, Random(1), PATIENCE)) as items:
            async for item in items:
                watch.take(item)

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read())
        await watch.until(lambda _: any(isinstance(item, SourceState) and item.last_sign for item in watch.items))
        yield watch
        reading.cancel()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def tag() -> str:
    """A hashtag of this test's own."""
    return f"#Hall{secrets.token_hex(4)}"


def looking_for(tag: str) -> Selection:
    return Selection(hashtags=frozenset({hashtag_key(tag)}))


async def somebody(network: Network, session: aiohttp.ClientSession) -> Person:
    return await Person.new(session, network.url, f"p{secrets.token_hex(5)}.test")


async def test_a_post_from_its_creation_to_its_end(network: Network, session: aiohttp.ClientSession, tag: str) -> None:
    """Seen, edited (dropping the hashtag) and deleted, with the server's time and not its author's."""
    async with watching(network, looking_for(tag)) as watch:
        before = CLOCK.now()
        person = await somebody(network, session)
        await person.post("nothing to do with us")
        uri = await person.post(f"🏛️ Café meeting live {tag}")
        await person.edit(uri, "never mind")
        await person.delete(uri)
        await watch.until(lambda _: any(isinstance(event, Deleted) for event in watch.events))
    seen, edited, deleted = watch.events
    assert isinstance(seen, Seen)
    assert isinstance(edited, Edited)
    assert isinstance(deleted, Deleted)
    assert seen.post.text == f"🏛️ Café meeting live {tag}"
    assert edited.post.text == "never mind"
    assert seen.post.id == edited.post.id == deleted.key.id == uri
    assert seen.post.version != edited.post.version
    assert seen.post.author.id == person.did
    times = [seen.post.observed_at, edited.post.observed_at, deleted.observed_at]
    assert abs((times[0] - before).total_seconds()) < 10
    assert times == sorted(times)
    assert seen.post.claimed_at is not None
    assert seen.post.claimed_at.year == 1999
    assert not any(isinstance(item, FeedFault) for item in watch.items)


async def test_two_hundred_posts_in_one_commit(network: Network, session: aiohttp.ClientSession, tag: str) -> None:
    async with watching(network, looking_for(tag)) as watch:
        person = await somebody(network, session)
        uris = await person.post_many([f"{number} {tag}" for number in range(200)])
        await watch.until(lambda _: len(watch.posts) >= 200)
    assert len(uris) == 200
    assert sorted(watch.posts) == sorted(uris)


async def test_a_member_who_changes_their_handle_stays_the_member(
    network: Network, session: aiohttp.ClientSession
) -> None:
    person = await somebody(network, session)
    roster = Selection(author_ids=frozenset({person.did}), handle_of={person.did: "as-on-the-roster.test"})
    renamed = f"renamed{secrets.token_hex(4)}.test"
    async with watching(network, roster) as watch:
        await person.post("before")
        await watch.until(lambda _: len(watch.posts) == 1)
        await person.call("com.atproto.identity.updateHandle", {"handle": renamed})
        await person.post("after")
        await watch.until(lambda _: len(watch.posts) == 2)
    authors = [event.post.author for event in watch.events if isinstance(event, Seen)]
    assert [author.id for author in authors] == [person.did, person.did]
    assert authors[1].handle == renamed


async def test_a_handle_is_resolved_and_the_account_asked_whether_it_is_its_own(
    network: Network, session: aiohttp.ClientSession
) -> None:
    """Before and after a change of handle; the old one then leads nowhere."""
    person, other = await somebody(network, session), f"renamed{secrets.token_hex(4)}.test"
    servers = {"resolver": network.url, "directory": network.directory_url}
    [handle] = await handles_of(person.did, session, directory=network.directory_url)
    assert await resolve(f"@{handle.upper()}", session, **servers) == person.did
    await person.call("com.atproto.identity.updateHandle", {"handle": other})
    assert await resolve(other, session, **servers) == person.did
    with pytest.raises(NotResolved, match="Nobody has this handle"):
        await resolve(handle, session, **servers)


async def test_an_account_deactivated_and_restored(network: Network, session: aiohttp.ClientSession, tag: str) -> None:
    """No deletions are told and none are made up; what comes after the account is restored is seen."""
    async with watching(network, looking_for(tag)) as watch:
        person = await somebody(network, session)
        first = await person.post(tag)
        await person.call("com.atproto.server.deactivateAccount", {})
        await person.call("com.atproto.server.activateAccount")
        second = await person.post(tag)
        await watch.until(lambda _: len(watch.events) == 2)
    assert watch.posts == [first, second]


async def test_a_server_killed_and_restarted_again_and_again_while_people_post(
    network: Network, session: aiohttp.ClientSession, tag: str
) -> None:
    """Every post that the server acknowledged is seen once, in order; every stretch unseen is on record, and filled."""
    acknowledged: list[str] = []
    async with watching(network, looking_for(tag)) as watch:
        person = await somebody(network, session)

        async def post_all_the_time() -> None:
            number = 0
            while True:
                number += 1
                try:
                    acknowledged.append(await person.post(f"{number} {tag}"))
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as tasks:
            posting = tasks.create_task(post_all_the_time())
            for _ in range(3):
                enough = len(acknowledged) + 10
                await watch.until(lambda _, enough=enough: len(watch.posts) >= enough)  # type: ignore[misc]
                await asyncio.to_thread(network.kill)
                await watch.until(lambda _: _state(watch) is SourceCondition.LOST)
                await asyncio.to_thread(network.start)
                await watch.until(lambda _: _state(watch) is not SourceCondition.LOST)
            posting.cancel()
        await watch.until(lambda _: set(acknowledged) <= set(watch.posts))
        await watch.until(lambda _: len(_gaps(watch, filled=True)) == len(_gaps(watch, filled=False)))
    assert len(acknowledged) >= 30
    assert len(watch.posts) == len(set(watch.posts))
    assert [uri for uri in watch.posts if uri in acknowledged] == acknowledged
    assert len(_gaps(watch, filled=True)) >= 3


async def test_another_process_goes_on_where_the_first_one_stopped(
    network: Network, session: aiohttp.ClientSession, tag: str
) -> None:
    """What was posted while nobody followed and the server was killed and restarted is seen from the stored cursor."""
    person = await somebody(network, session)
    async with watching(network, looking_for(tag)) as first:
        before = [await person.post(f"{number} {tag}") for number in range(5)]
        await first.until(lambda _: len(first.posts) == 5)
    meanwhile = [await person.post(f"{number} {tag}") for number in range(5, 10)]
    await asyncio.to_thread(network.kill)
    await asyncio.to_thread(network.start)
    async with watching(network, looking_for(tag), first.cursor) as second:
        after = [await person.post(f"{number} {tag}") for number in range(10, 15)]
        await second.until(lambda _: set(after) <= set(second.posts))
    assert first.posts == before
    assert [uri for uri in second.posts if uri not in before] == meanwhile + after
    assert len(second.posts) == len(set(second.posts))


async def test_a_server_that_has_begun_to_number_anew_is_asked_by_time(
    network: Network, session: aiohttp.ClientSession, tag: str
) -> None:
    """Whether a number is beyond its own, or is another message's now: everything since the cursor's time is seen."""
    began = CLOCK.now()
    person = await somebody(network, session)
    posted = [await person.post(f"{number} {tag}") for number in range(3)]
    host = network.stream_url.removeprefix("ws://")
    async with connect(f"{network.stream_url}{PATH}?cursor=0") as raw:
        said = read(await raw.recv(decode=False))
        while not any(isinstance(message, Written) and message.did == person.did for message in said.messages):
            said = read(await raw.recv(decode=False))
        second = read(await raw.recv(decode=False)).seq
    for impossible in (10**9, second):
        cursor = Cursor(to_micros(began), impossible, host)
        async with watching(network, looking_for(tag), str(cursor)) as watch:
            await watch.until(lambda _, watch=watch: len(watch.posts) == 3)  # type: ignore[misc]
        assert watch.posts == posted


def _state(watch: Watch) -> SourceCondition:
    return next(item.condition for item in reversed(watch.items) if isinstance(item, SourceState))


def _gaps(watch: Watch, *, filled: bool) -> list[Gap]:
    return [item for item in watch.items if isinstance(item, Gap) and item.filled is filled]
