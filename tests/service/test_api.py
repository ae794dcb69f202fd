"""The HTTP door: who gets in, what is answered, and how each thing that cannot be done is refused."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path

import aiohttp
import pytest

from feedmon.model.problems import BadInput
from feedmon.model.timeline import MarkKind
from feedmon.service.access import token_in
from feedmon.service.app import Settings, serving
from feedmon.service.clock import WallClock
from feedmon.wire import FlagRaised, MarkMade, SourceChanged
from tests.service.evening import Evening, evening, followed, line
from tests.service.rooms import BRENNAN, GOSSIP, at, mark

OPENED = mark("m1", MarkKind.OPENED, 30)
EXCLUDED = mark("m2", MarkKind.PUBLIC_EXCLUDED, 31)


async def answered(evening: Evening, method: str, path: str, **asked: object) -> tuple[int, dict[str, object]]:
    async with evening.session() as session, session.request(method, path, **asked) as answer:  # type: ignore[arg-type]
        return answer.status, json.loads(await answer.read())


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer wrong", "Basic TOKEN", "TOKEN", "Bearer TOKENx"])
async def test_without_the_token_nothing_is_told(tmp_path: Path, authorization: str | None) -> None:
    """No token, a wrong one, another scheme: 401 and a refusal, for requests and for the socket."""
    async with evening(tmp_path) as held:
        headers = {"Authorization": authorization.replace("TOKEN", held.running.token)} if authorization else {}
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.get(f"{held.running.url}/api/v1/meetings") as answer:
                assert answer.status == 401
                assert "token" in json.loads(await answer.read())["error"]
                assert held.running.token not in await answer.text()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(held.running.url + held.path("live"))
            assert refused.value.status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 400),
        ("evil.example:8642", 400),
        ("localhost.evil.example", 400),
        ("", 400),
        ("localhost", 200),
        ("127.0.0.1:8642", 200),
        ("[::1]:8642", 200),
    ],
)
async def test_a_web_page_elsewhere_cannot_reach_the_service_by_a_name_of_its_own(
    tmp_path: Path, host: str, status: int
) -> None:
    """DNS rebinding: the browser would send the page's name as Host."""
    async with evening(tmp_path) as held:
        assert (await answered(held, "GET", "/healthz", headers={"Host": host}))[0] == status


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/meetings/example/marks", b"{", 400),
        ("POST", "/api/v1/meetings/example/marks", b'{"id":"x","kind":"dance"}', 400),
        ("POST", "/api/v1/meetings/example/marks", b'{"id":"x","kind":"opened","colour":"red"}', 400),
        ("POST", "/api/v1/meetings/example/marks", b'{"id":"x","kind":"opened","at":"2026-03-05T19:00:00"}', 400),
        ("POST", "/api/v1/meetings/example/marks", b'{"id":"","kind":"opened"}', 400),
        ("POST", "/api/v1/meetings/example/marks", b'{"id":"x","kind":"item_started","item":"99"}', 400),
        ("POST", "/api/v1/meetings/example/marks", b"x" * 70_000, 413),
        ("POST", "/api/v1/meetings/example/decisions", b'{"id":"x","flag":"none","kind":"keep"}', 404),
        ("POST", "/api/v1/meetings/other/marks", b'{"id":"x","kind":"opened"}', 404),
        ("GET", "/api/v1/meetings/other/live", None, 404),
        ("GET", "/api/v1/meetings/example/live", None, 400),
        ("GET", "/api/v1/meetings/example/live?after=-1", None, 400),
        ("GET", "/api/v1/nothing", None, 404),
        ("GET", "/", None, 404),
        ("DELETE", "/api/v1/meetings", None, 405),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(
    tmp_path: Path, method: str, path: str, body: bytes | None, status: int
) -> None:
    """Every refusal is a Refusal, and changes nothing."""
    async with evening(tmp_path) as held:
        got, refusal = await answered(held, method, path, data=body)
        assert got == status
        assert isinstance(refusal["error"], str)
        assert refusal["error"].endswith((".", "”."))
        async with held.desk() as desk:
            assert (await desk.snapshot()).marks == ()


async def test_an_act_sent_again_is_answered_again_and_changes_nothing(tmp_path: Path) -> None:
    """Same entry, one mark; another act under its id is refused with 409."""
    async with evening(tmp_path) as held, held.desk() as desk:
        first = await desk.post("marks", {"id": "m1", "kind": "opened"})
        assert first[0] == 200
        assert await desk.post("marks", {"id": "m1", "kind": "opened"}) == first
        both = await asyncio.gather(
            *(desk.post("marks", {"id": "m2", "kind": "adjourned"}) for _ in range(5)),
        )
        assert len({str(answer) for answer in both}) == 1
        status, refusal = await desk.post("marks", {"id": "m1", "kind": "closed"})
        assert status == 409
        assert "m1" in str(refusal["error"])
    async with evening(tmp_path) as held, held.desk() as desk:
        assert [mark.id for mark in (await desk.snapshot()).marks] == ["m1", "m2"]
        assert await desk.post("marks", {"id": "m1", "kind": "opened"}) == first


async def test_a_decision_and_its_undo_reach_every_desk(tmp_path: Path) -> None:
    """What one desk does, the other shows; sent again, it is answered with the same entry."""
    async with evening(tmp_path, [line(1, 34, GOSSIP, BRENNAN)]) as held, held.desk() as one, held.desk() as two:
        await one.post("marks", OPENED)
        await one.post("marks", EXCLUDED)
        raised = await one.until(FlagRaised)
        body = {"id": "d1", "flag": raised.view.flag.id, "kind": "dismiss", "reason": "humour"}
        done = await one.post("decisions", body)
        assert done[0] == 200
        assert await two.post("decisions", body) == done
        await two.post("decisions", {"id": "d2", "flag": raised.view.flag.id, "kind": "undo", "undoes": "d1"})
        states: list[object] = []
        while len(states) < 2:
            message = await two.hear()
            if type(message).__name__ == "DecisionMade":
                states.append(message.state)  # type: ignore[union-attr]  # it is one
        assert states == ["dismissed", "new"]
        async with held.desk() as late:
            (view,) = (await late.snapshot()).flags
            assert [decision.id for decision in view.decisions] == ["d1", "d2"]


async def test_an_odd_mark_is_answered_with_a_warning(tmp_path: Path) -> None:
    """It is taken all the same."""
    async with evening(tmp_path) as held, held.desk() as desk:
        await desk.post("marks", OPENED)
        status, done = await desk.post("marks", mark("m9", MarkKind.OPENED, 31))
        assert (status, "changes nothing" in str(done["warning"])) == (200, True)
        await desk.until(MarkMade, lambda message: message.mark.id == "m9")


async def test_meetings_are_listed_and_health_is_told_apart_from_readiness(tmp_path: Path) -> None:
    """Alive at once; ready only when the window is open and the feed is heard; each part by name."""
    async with evening(tmp_path) as held:
        assert await answered(held, "GET", "/healthz") == (200, {"alive": True})
        async with held.session() as session, session.get("/api/v1/meetings") as answer:
            (listed,) = json.loads(await answer.read())
        assert (listed["id"], listed["council"]) == ("example", "Saltmarsh Town Council")
        async with held.desk() as desk:
            await desk.until(SourceChanged, lambda message: message.state.condition == "live")
        status, ready = await answered(held, "GET", "/readyz")
        assert status == 200
        parts = {part["part"]: part["ready"] for part in ready["parts"]}  # type: ignore[attr-defined]  # JSON
        assert parts == {"journal": True, "example: window": True, "example: bluesky": True}
    late = followed(window=type(held.meeting.window)(at(0), at(31)))
    async with evening(tmp_path, starts=40, meetings=[late]) as held:
        status, ready = await answered(held, "GET", "/readyz")
        assert status == 503
        assert "following is over" in json.dumps(ready)


# ------------------------------------------------------------------------------------------------------ starting


async def started(data: Path, port: int = 0, host: str = "127.0.0.1") -> None:
    async with serving([], Settings(data, host, port), WallClock()):
        pass


async def test_a_token_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Random, at least 32 characters, mode 0600, the same next time."""
    token, file = token_in(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(token) >= 32
    assert token_in(tmp_path)[0] == token
    assert token_in(tmp_path.joinpath("..", tmp_path.name))[0] == token


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff\xfe" * 40, b"with space " * 10, b"a" * 43 + b"\n" + b"b" * 43]
)
async def test_a_file_that_is_no_token_stops_the_start(tmp_path: Path, content: bytes) -> None:
    """One clear message that names the file."""
    (tmp_path / "token").write_bytes(content)
    (tmp_path / "token").chmod(0o600)
    with pytest.raises(BadInput, match="token"):
        await started(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="file modes")
async def test_a_token_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    """With the command that mends it."""
    _, file = token_in(tmp_path)
    file.chmod(0o644)
    with pytest.raises(BadInput, match="chmod 600"):
        await started(tmp_path)


async def test_a_port_in_use_or_a_host_not_ours_stops_the_start(tmp_path: Path) -> None:
    """Said plainly, with the option that mends it; the journal is let go of."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadInput, match="in use"):
        await started(tmp_path, taken.getsockname()[1])
    with pytest.raises(BadInput, match=r"192\.0\.2\.7"):
        await started(tmp_path, host="192.0.2.7")
    await started(tmp_path)


async def test_a_data_folder_that_cannot_be_one_stops_the_start(tmp_path: Path) -> None:
    """A file is in the way."""
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(BadInput, match="--data"):
        await started(tmp_path / "data")


async def test_a_second_service_on_the_same_data_is_refused(tmp_path: Path) -> None:
    """Two writers would tell two stories."""
    async with evening(tmp_path):
        with pytest.raises(BadInput):
            await started(tmp_path)


async def test_a_meeting_named_twice_is_refused(tmp_path: Path) -> None:
    """One id, one meeting."""
    with pytest.raises(BadInput, match="twice"):
        async with evening(tmp_path, meetings=[followed(), followed()]):
            pass
