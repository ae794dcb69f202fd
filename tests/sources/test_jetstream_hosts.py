"""Which hosts are followed, in turn, and for whose posts."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection, serve

from feedmon.model.meeting import Account, Meeting, Member
from feedmon.model.problems import BadInput
from feedmon.model.sourcestate import Gap, SourceCondition, SourceState
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import FaultPlan
from feedmon.rehearsal.jetstream_asked import SECOND_PATH
from feedmon.sources import bluesky_source, open_source
from feedmon.sources.base import Captured, SourceItem, SourceLost, SourceRefused
from feedmon.sources.jetstream import MOST_NAMED, addresses, only_these
from feedmon.sources.select import Selection
from feedmon.sources.supervisor import follow
from tests.sources.bluesky_frames import COUNCIL, EVENING, MARCHBANKS, MEETING, RENFREW, post, spec
from tests.sources.jetstream_rig import BOTH, ENDINGS, SECOND, SELECTION, evening, serving
from tests.sources.source_conformance import BRISK, followed, ids_of, one_connection


def test_one_of_blueskys_own_hosts_means_all_of_them_that_one_first() -> None:
    assert addresses(spec("wss://jetstream1.us-west.bsky.network/subscribe")) == (
        "wss://jetstream1.us-west.bsky.network/subscribe",
        "wss://jetstream2.us-east.bsky.network/subscribe",
        "wss://jetstream1.us-east.bsky.network/subscribe",
        "wss://jetstream2.us-west.bsky.network/subscribe",
    )
    assert addresses(spec("wss://jetstream.us-west.bsky.network")) == (
        f"wss://jetstream.us-west.bsky.network{SECOND_PATH}",
        f"wss://jetstream.us-east.bsky.network{SECOND_PATH}",
    )


def test_several_addresses_are_followed_as_given_and_another_host_alone() -> None:
    assert addresses(spec("wss://one.example/subscribe, wss://two.example")) == (
        "wss://one.example/subscribe",
        "wss://two.example/subscribe",
    )
    assert addresses(spec("wss://one.example")) == ("wss://one.example/subscribe",)


@pytest.mark.parametrize(
    "url", [f"wss://one.example,wss://two.example{SECOND_PATH}", "wss://one.example,", "wss://a,b"]
)
def test_a_list_that_cannot_be_one_is_said_so(url: str) -> None:
    with pytest.raises(BadInput, match="source “bluesky”, url"):
        addresses(spec(url))


@pytest.mark.fault
@BOTH
async def test_every_cut_moves_on_to_another_host_and_nothing_is_lost_or_doubled(path: str) -> None:
    """Three hosts with the same network behind them, each of which ends the connection again and again."""
    lines, ids = evening(24)
    async with AsyncExitStack() as stack:
        plans = [FaultPlan({place: [ENDINGS[place % 4]] for place in range(first, 24, 3)}) for first in range(3)]
        servers = [await stack.enter_async_context(serving(lines, plan, held=False)) for plan in plans]
        url = ",".join(server.url + path for server in servers)
        items = await followed(open_source(spec(url), SELECTION), servers[0].clock, 24)
    assert ids_of(items) == ids
    assert all(plan.happened for plan in plans)
    gaps = [item for item in items if isinstance(item, Gap)]
    assert len([gap for gap in gaps if gap.filled]) == len([gap for gap in gaps if not gap.filled])


@BOTH
async def test_a_host_that_refuses_is_passed_over_and_only_all_of_them_are_a_refusal(path: str) -> None:
    lines, ids = evening(3)
    async with serving(lines, FaultPlan(answers=[404] * 9), held=False) as closed, serving(lines, held=False) as open_:
        source = open_source(spec(f"{closed.url}{path},{open_.url}{path}"), SELECTION)
        items = await followed(source, closed.clock, 3, source.cursor_at(EVENING))
        assert ids_of(items) == ids
        source = open_source(
            spec(f"{closed.url}{path},{closed.url.replace('127.0.0.1', 'localhost')}{path}"), SELECTION
        )
        ends = [(await one_connection(source, closed.clock))[1] for _ in range(2)]
    assert [type(end) for end in ends] == [SourceLost, SourceRefused]


def only(*accounts: Account, tags: tuple[str, ...] = ()) -> Meeting:
    """A meeting that follows these accounts, and these hashtags."""
    members = tuple(Member(id=f"m{place}", name=f"A{place} B", accounts=(one,)) for place, one in enumerate(accounts))
    return replace(MEETING, hashtags=tags, members=members, council=replace(MEETING.council, accounts=()))


def known(did: str) -> Account:
    return Account(network="bluesky", handle=f"{did[8:16]}.example", id=did)


def test_only_accounts_are_asked_for_when_there_is_nothing_else_to_look_for() -> None:
    nameless = Account(network="bluesky", handle="sandhu.example")
    assert only_these(Selection.of([only(known(RENFREW), known(MARCHBANKS))])) == (MARCHBANKS, RENFREW)
    assert only_these(Selection.of([only(known(RENFREW), tags=("#SaltmarshTC",))])) == ()
    assert only_these(Selection.of([only(known(RENFREW), nameless)])) == ()
    many = [known(f"did:plc:{number:024}") for number in range(MOST_NAMED + 1)]
    assert only_these(Selection.of([only(*many)])) == ()
    assert len(only_these(Selection.of([only(*many[1:])]))) == MOST_NAMED


@BOTH
async def test_with_accounts_alone_silence_is_no_loss_and_an_answered_ping_is_a_sign_of_life(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bluesky_source, "_STILL", 0.1)
    monkeypatch.setattr(bluesky_source, "_TOLD_WITHIN", 0.05)
    asked: list[dict[str, list[str]]] = []

    async def listen(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append(parse_qs(urlsplit(connection.request.path).query))
        await connection.wait_closed()

    selection = Selection.of([only(known(RENFREW), known(COUNCIL))])
    async with serve(listen, "127.0.0.1", 0, close_timeout=0.2) as server:
        source = open_source(spec(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}"), selection)
        clock, items = RehearsalClock(EVENING, 50), list[SourceItem]()
        async with asyncio.timeout(5), aclosing(follow(source, None, clock, Random(1), BRISK)) as following:
            async for item in following:
                items.append(item)
                if isinstance(item, SourceState) and item.condition is SourceCondition.LIVE:
                    break
    assert asked[0]["dids" if path == SECOND_PATH else "wantedDids"] == [RENFREW, COUNCIL]
    assert not any(isinstance(item, SourceState) and item.condition is SourceCondition.LOST for item in items)


@BOTH
async def test_with_accounts_alone_their_posts_are_seen_and_nobody_elses_is_sent(path: str) -> None:
    lines, _ = evening(3)
    lines.append(post(RENFREW, "3r", "mine", 4 * SECOND))
    sent: list[bytes] = []
    async with serving(lines) as server:
        source = open_source(
            spec(server.url + path), Selection.of([only(known(RENFREW))]), tap=lambda frame, _: sent.append(frame)
        )
        items, _ = await one_connection(source, server.clock, until=1)
    assert len(sent) == len([item for item in items if isinstance(item, Captured)]) == 1
