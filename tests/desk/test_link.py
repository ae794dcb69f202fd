"""The link over real sockets: it comes back by itself, misses nothing, and an act is done once however often sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import islice

import msgspec
import pytest

from feedmon.wire import (
    PROTOCOL,
    ChairLink,
    DecisionKind,
    DecisionRequest,
    Done,
    FlagRaised,
    MarkKind,
    MarkRequest,
    Message,
    Refusal,
    Snapshot,
    encode,
)
from tests.desk.driving import PATIENCE, link_to
from tests.desk.evening import FLAGS, NOW, attack, snapshot
from tests.desk.wire_service import WireService, serving
from tui.link import Address, Condition, Link, LinkState, Unwelcome, first_word, waits

MARK = MarkRequest(id="desk-1", kind=MarkKind.ITEM_STARTED, at=NOW, item="6")
DECISION = DecisionRequest(id="desk-2", flag="f0001", kind=DecisionKind.KEEP, at=NOW)


class Ear:
    """What a link has heard."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.states: list[LinkState] = []

    @property
    def seqs(self) -> list[int]:
        return [message.seq for message in self.messages]

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE):
            while not so():  # noqa: ASYNC110 (what it waits for is plain state, with no event of its own)
                await asyncio.sleep(0.005)


@asynccontextmanager
async def linked(service: WireService) -> AsyncIterator[tuple[Link, Ear]]:
    """A link that has joined."""
    link, ear = link_to(service.address, service.snapshot), Ear()
    running = asyncio.create_task(link.run(ear.messages.append, ear.states.append))
    try:
        await ear.until(lambda: bool(ear.states))
        yield link, ear
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def news(number: int) -> FlagRaised:
    """A message worth hearing."""
    return FlagRaised(seq=0, view=attack(number, "fool", 41, "fool"))


class TestListening:
    """Hearing everything, in order, once."""

    async def test_it_hears_what_comes(self) -> None:
        """Messages arrive in order; the link says that it is live."""
        async with serving(snapshot()) as service, linked(service) as (link, ear):
            await service.tell(news(1), news(2))
            await ear.until(lambda: len(ear.messages) == 2)
            assert ear.seqs == [101, 102]
            assert link.state == LinkState(Condition.LIVE)

    async def test_it_resumes_after_the_last_message(self) -> None:
        """Cut off, it asks for what it missed, and hears each message once."""
        async with serving(snapshot()) as service, linked(service) as (_, ear):
            await service.tell(news(1))
            await ear.until(lambda: ear.seqs == [101])
            await service.cut()
            await service.tell(news(2), news(3))
            await ear.until(lambda: ear.seqs == [101, 102, 103])
            assert service.joined == ["100", "101"]
            assert [state.condition for state in ear.states] == [Condition.LIVE, Condition.LOST, Condition.LIVE]

    async def test_what_is_no_longer_remembered_comes_as_a_snapshot(self) -> None:
        """Too long away, it is told everything anew."""
        async with serving(snapshot(), remembers=1) as service, linked(service) as (_, ear):
            await service.cut()
            await service.tell(news(1), news(2), news(3))
            await ear.until(lambda: bool(ear.messages))
            assert isinstance(ear.messages[-1], Snapshot)
            await service.tell(news(4))
            await ear.until(lambda: ear.seqs == [103, 104])

    async def test_a_gap_is_answered_by_asking_for_everything(self) -> None:
        """A message that does not follow on is not trusted."""
        async with serving(snapshot(), remembers=0) as service, linked(service) as (_, ear):
            await service.tell(news(1), skip=3)
            await ear.until(lambda: bool(ear.messages))
            assert isinstance(ear.messages[0], Snapshot)
            assert service.joined == ["100", None]
            assert ear.states[1] == LinkState(Condition.LOST, "some messages were missed", 1)

    async def test_old_messages_are_let_pass(self) -> None:
        """A message already heard is not heard twice."""
        async with serving(snapshot()) as service, linked(service) as (_, ear):
            await service.tell_frame(encode(msgspec.structs.replace(news(1), seq=100)))
            await service.tell(news(2))
            await ear.until(lambda: bool(ear.messages))
            assert ear.seqs == [101]

    async def test_an_unknown_kind_is_skipped_and_counted(self) -> None:
        """What a later service tells besides does no harm, and leaves no gap."""
        async with serving(snapshot()) as service, linked(service) as (_, ear):
            await service.tell_frame('{"type": "something_later", "seq": 101}')
            service.seq = 101
            await service.tell(news(1))
            await ear.until(lambda: bool(ear.messages))
            assert ear.seqs == [102]

    @pytest.mark.parametrize("frame", ["{", "[]", '{"type": "flag_raised", "seq": 101}', '{"seq": "many"}', ""])
    async def test_nonsense_is_answered_by_asking_for_everything(self, frame: str) -> None:
        """A frame that is no message never stops the desk."""
        async with serving(snapshot(), remembers=0) as service, linked(service) as (link, ear):
            await service.tell_frame(frame)
            await ear.until(lambda: bool(ear.messages))
            assert isinstance(ear.messages[0], Snapshot)
            assert link.state.condition is Condition.LIVE

    async def test_it_comes_back_when_the_service_does(self) -> None:
        """While the service is away it keeps trying, and says so; then it is live again."""
        async with serving(snapshot()) as service, linked(service) as (link, ear):
            await service.stop()
            await ear.until(lambda: link.state.tries >= 2)
            assert link.state.why == "nothing answers"
            await service.start()
            await ear.until(lambda: link.state.condition is Condition.LIVE)

    async def test_a_refused_token_stays_refused(self) -> None:
        """When the service no longer takes the token, only a person can help: it says so and stops trying."""
        async with serving(snapshot()) as service, linked(service) as (link, ear):
            service.token = "another"
            await service.cut()
            await ear.until(lambda: link.state.condition is Condition.REFUSED)
            assert "refused the token" in link.state.why

    async def test_a_later_protocol_is_refused(self) -> None:
        """A service that was updated meanwhile is not guessed at."""
        async with serving(snapshot(), remembers=0) as service, linked(service) as (link, ear):
            service.snapshot = msgspec.structs.replace(service.snapshot, protocol=PROTOCOL + 1)
            await service.tell(news(1), skip=1)
            await ear.until(lambda: link.state.condition is Condition.REFUSED)
            assert f"protocol {PROTOCOL + 1}" in link.state.why


class TestActing:
    """Acts are answered, done once, in order."""

    async def test_acts_are_answered(self) -> None:
        """A mark, a decision and a chair's link get their answers."""
        async with serving(snapshot()) as service, linked(service) as (link, ear):
            assert isinstance(await link.mark(MARK), Done)
            assert isinstance(await link.decide(DECISION), Done)
            assert await link.chair_link() == ChairLink(url="http://127.0.0.1:8642/chair/one-time-words")
            assert service.marks == [MARK]
            assert service.decisions == [DECISION]
            await ear.until(lambda: len(ear.messages) == 2)

    async def test_a_refusal_is_an_answer(self) -> None:
        """What the service will not do comes back in its own words, and is not sent again."""
        async with serving(snapshot()) as service, linked(service) as (link, _):
            service.refuse = Refusal(error="No such item.", mend="Use one of: 1, 2.")
            assert await link.mark(MARK) == service.refuse
            assert len(service.requests) == 1

    async def test_a_lost_answer_is_asked_for_again(self) -> None:
        """The service did it but the answer was lost: sent again, byte for byte, it is done once."""
        async with serving(snapshot()) as service, linked(service) as (link, _):
            service.swallow_answers = 2
            assert isinstance(await link.mark(MARK), Done)
            assert len(service.requests) >= 2
            assert len({body for _, body in service.requests}) == 1
            assert service.marks == [MARK]

    async def test_a_busy_service_is_asked_again(self) -> None:
        """Not yet durable is not an answer."""
        async with serving(snapshot()) as service, linked(service) as (link, _):
            service.unavailable = 2
            assert isinstance(await link.decide(DECISION), Done)
            assert len(service.requests) == 3

    @pytest.mark.fault
    async def test_acts_made_while_the_link_is_down_are_sent_in_order(self) -> None:
        """Nothing the clerk did is lost: all of it goes out when the service is back, in the order it was done."""
        async with serving(snapshot()) as service, linked(service) as (link, ear):
            await service.stop()
            await ear.until(lambda: link.state.condition is Condition.LOST)
            requests = [msgspec.structs.replace(MARK, id=f"desk-{n}") for n in range(5)]
            acts = [link.mark(request) for request in requests]
            await asyncio.sleep(0.1)
            assert link.unsent == 5
            await service.start()
            assert all(isinstance(outcome, Done) for outcome in await asyncio.gather(*acts))
            assert service.marks == requests
            assert link.unsent == 0

    @pytest.mark.fault
    async def test_a_line_cut_over_and_over_loses_no_act_and_no_message(self) -> None:
        """While a network breaks every line again and again, each act is done once and each message heard once."""
        async with serving(snapshot()) as service, linked(service) as (link, ear):

            async def cutting() -> None:
                for _ in range(12):
                    await asyncio.sleep(0.03)
                    await service.cut()

            cutter = asyncio.create_task(cutting())
            requests = [msgspec.structs.replace(MARK, id=f"desk-{n}") for n in range(20)]
            for request in requests:
                await link.mark(request)
            await cutter
            await ear.until(lambda: len(ear.messages) == 20)
            assert service.marks == requests
            assert ear.seqs == list(range(101, 121))


class TestFirstWord:
    """Joining for the first time, and the one line said when that cannot be."""

    async def test_the_only_meeting_is_found(self) -> None:
        """Without a name, the one meeting there is."""
        async with serving(snapshot()) as service:
            assert await first_word(service.address, None) == service.snapshot
            assert (await first_word(service.address, "saltmarsh")).flags == FLAGS

    async def test_an_unknown_meeting_names_those_there_are(self) -> None:
        """A wrong id is answered with the right ones."""
        async with serving(snapshot()) as service:
            with pytest.raises(Unwelcome, match=r"no meeting “nowhere”. It has: saltmarsh"):
                await first_word(service.address, "nowhere")

    async def test_a_wrong_token_is_told(self) -> None:
        """The token is refused."""
        async with serving(snapshot()) as service:
            service.token = "another"
            with pytest.raises(Unwelcome, match="refused the token"):
                await first_word(service.address, None)

    async def test_a_later_protocol_is_told(self) -> None:
        """The desk is older than the service."""
        later = msgspec.structs.replace(snapshot(), protocol=PROTOCOL + 1)
        async with serving(later) as service:
            with pytest.raises(Unwelcome, match="Update feedmon where the desk runs"):
                await first_word(service.address, None)

    async def test_nothing_there_is_told(self) -> None:
        """Nobody listens at that port."""
        async with serving(snapshot()) as service:
            await service.stop()
            with pytest.raises(Unwelcome, match="Nothing answers at"):
                await first_word(service.address, None)

    async def test_something_else_there_is_told(self) -> None:
        """A web server that is no feedmon service."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(Unwelcome, match="not a feedmon service"):
                await first_word(Address.of(f"http://127.0.0.1:{port}", "x"), None)

    @pytest.mark.parametrize(
        "url", ["", "127.0.0.1:8642", "ws://127.0.0.1:8642", "http://", "http://[::1", "file:///x"]
    )
    def test_what_is_no_address_is_told(self, url: str) -> None:
        """An address that cannot be one is refused before anything is tried."""
        with pytest.raises(Unwelcome, match="not the address of a service"):
            Address.of(url, "token")

    @pytest.mark.parametrize("token", ["two words", "line\nbreak", "café"])
    def test_what_is_no_token_is_told(self, token: str) -> None:
        """A token that would spoil a request is refused before it is sent."""
        with pytest.raises(Unwelcome, match="no token has"):
            Address.of("http://127.0.0.1:8642", token)


def test_waits_grow_to_a_ceiling_and_differ() -> None:
    """The first try is nearly at once, later ones come slower but never too slowly, and no two desks march in step."""
    one, other = list(islice(waits(), 40)), list(islice(waits(), 40))
    assert one[0] < 0.4
    assert max(one) <= 7.5
    assert sum(one[-10:]) > 20
    assert one != other
