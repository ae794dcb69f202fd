"""Posts played back as X's API, version 2, would send them, over real local HTTP.

Written from X's public documentation. What is kept:

* the rules (``GET`` and ``POST …/stream/rules``), each at most 1,024 characters, in force after ``rules_take``;
* the stream: JSON lines ending in ``\\r\\n``, an empty one when there is nothing to say, one connection at a time, no
  replay, no deletions, in-stream errors; 409 while there are no rules;
* the search: ``since_id`` (exclusive, seven days back), newest first, pages of 10 to 100, so many searches in a quarter
  of an hour, posts found ``latency`` after they were made;
* a bearer token, 401, 403 and 429 with ``x-rate-limit-…`` headers; and the bill (:attr:`XServer.billed`).

A fault planned for a message that nobody was sent happens at the next one that is sent, or instead of a sign of life.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
from bisect import bisect_left
from collections.abc import Iterable
from datetime import timedelta
from email.utils import format_datetime

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from feedmon.model.instants import from_micros, to_micros
from feedmon.model.problems import BadInput, Problem
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.faults import Fault, FaultPlan
from feedmon.rehearsal.x_messages import (
    OPERATIONAL_DISCONNECT,
    TOO_MANY_CONNECTIONS,
    XMessage,
    messages_of,
    micros_of,
    problem,
)
from feedmon.rehearsal.x_query import Matcher, matcher

_MOST_RULES, _LONGEST_RULE, _LONGEST_QUERY = 1_000, 1_024, 512
_QUARTER = timedelta(minutes=15)
_KEPT = timedelta(days=7)
_SWAPPED_WITHIN = 2_000_000  # microseconds
_ENDING = frozenset({Fault.DROP, Fault.GOING_AWAY, Fault.CLOSED, Fault.NO_STATUS})
_NEED_A_MESSAGE = frozenset({Fault.TRUNCATED, Fault.DUPLICATE, Fault.REORDER})


class XRule(msgspec.Struct, frozen=True):
    """A rule of the stream; ``since`` is when it was made, in microseconds."""

    id: str
    value: str
    tag: str
    matches: Matcher
    since: int


class _Add(msgspec.Struct):
    value: str
    tag: str = ""


class _Delete(msgspec.Struct):
    ids: list[str]


class _RuleRequest(msgspec.Struct):
    add: list[_Add] = []
    delete: _Delete | None = None


class XServer:
    """An async context manager: inside it the posts (lines of X's stream) are served, on this machine, by ``clock``.

    The clock is set going by the first who is let in to the stream or the search. ``streaming`` says whether the token
    may use the stream. ``latency`` and ``rules_take`` are in seconds of the clock, ``pulse`` in seconds of the wall's.

    Raises BadInput on entering when the port cannot be had.
    """

    def __init__(
        self,
        lines: Iterable[bytes],
        clock: RehearsalClock,
        *,
        token: str = "rehearsal-token",  # noqa: S107  # opens nothing but this
        port: int = 0,
        faults: FaultPlan | None = None,
        pulse: float = 20.0,
        streaming: bool = True,
        latency: float = 0.0,
        rules_take: float = 0.0,
        searches_allowed: int = 450,
    ) -> None:
        self.messages = messages_of(list(lines), "rehearsal")
        self.clock = clock
        self.token = token
        self.faults = faults or FaultPlan()
        self.pulse = pulse
        self.streaming = streaming
        self.latency = timedelta(seconds=latency)
        self.rules_take = timedelta(seconds=rules_take)
        self.searches_allowed = searches_allowed
        self.rules: dict[str, XRule] = {}
        self.rule_requests: list[bytes] = []
        self.connections = 0
        self.searches = 0
        self.billed: set[tuple[str, str]] = set()
        """What X would ask money for: ("post", id) and ("account", id), each once."""
        self._faulty = 0
        self._window = (clock.starts, 0)
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is served: ``http://127.0.0.1:PORT``."""
        if self._runner is None:
            raise RuntimeError("the rehearsal is not being served")
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def add_rule(self, value: str, tag: str = "") -> None:
        """Make a rule, as another program with the same token would. Raises ValueError for what is none."""
        number = str(1_700_000_000_000_000_000 + len(self.rule_requests) * 1_000 + len(self.rules))
        self.rules[number] = XRule(number, value, tag, matcher(value), to_micros(self.clock.now()))

    async def __aenter__(self) -> XServer:
        app = web.Application(middlewares=[self._door])
        app.add_routes(
            [
                web.get("/2/tweets/search/stream/rules", self._list_rules),
                web.post("/2/tweets/search/stream/rules", self._change_rules),
                web.get("/2/tweets/search/stream", self._stream),
                web.get("/2/tweets/search/recent", self._search),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
        except OSError as error:
            await runner.cleanup()
            taken = error.errno == errno.EADDRINUSE
            message = "is in use by another program." if taken else f"cannot be had: {error.strerror}."
            raise BadInput(Problem(f"port {self._port}", message, "Choose another one, or 0 for any.")) from error
        self._runner = runner
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    @web.middleware
    async def _door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every request passes: planned refusals, then the token."""
        if (status := self.faults.next_answer()) is not None:
            return _answer(problem("Planned", "planned for this rehearsal"), status)
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            return _answer(problem("Unauthorized", "Unauthorized"), 401)
        response = await handler(request)
        if not response.prepared:  # X's clock is the rehearsal's
            response.headers["Date"] = format_datetime(self.clock.now(), usegmt=True)
        return response

    async def _list_rules(self, _: web.Request) -> web.StreamResponse:
        listed = [{"id": rule.id, "value": rule.value, "tag": rule.tag} for rule in self.rules.values()]
        return _answer({"data": listed, "meta": {"result_count": len(listed)}} if listed else {"meta": {}})

    async def _change_rules(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.rule_requests.append(body)
        try:
            asked = msgspec.json.decode(body, type=_RuleRequest)
        except msgspec.DecodeError as error:
            return _answer(problem("Invalid Request", str(error)), 400)
        for rule_id in asked.delete.ids if asked.delete else ():
            self.rules.pop(rule_id, None)
        errors = []
        for rule in asked.add:
            try:
                if any(rule.value == one.value for one in self.rules.values()):
                    errors.append(problem("DuplicateRule", "there is such a rule", value=rule.value))
                elif len(rule.value) > _LONGEST_RULE or len(self.rules) >= _MOST_RULES:
                    errors.append(problem("RulesCapExceeded", "too long, or too many", value=rule.value))
                else:
                    self.add_rule(rule.value, rule.tag)
            except ValueError as error:
                errors.append(problem("Invalid Rule", str(error), value=rule.value))
        return _answer({"meta": {"summary": {}}, **({"errors": errors} if errors else {})}, 201)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if not self.streaming:
            return _answer(problem("Client Forbidden", "this token may not use the stream"), 403)
        if self.connections:
            return _answer(TOO_MANY_CONNECTIONS, 429)
        if not self.rules:
            return _answer(problem("RuleConfigurationIssue", "there are no rules"), 409)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        self.connections += 1
        try:
            await response.prepare(request)
            self.clock.begin()
            await self._play(request, response)
        except ConnectionError:
            pass
        finally:
            self.connections -= 1
        return response

    async def _play(self, request: web.Request, response: web.StreamResponse) -> None:
        place = bisect_left(self.messages, to_micros(self.clock.now() - self.latency), key=lambda one: one.due)
        sent: set[int] = set()
        while True:
            while place < len(self.messages) and (place in sent or not self._matching(self.messages[place])):
                place += 1
            message = self.messages[place] if place < len(self.messages) else None
            if not await self._wait(request, response, place):
                return
            if message is None:
                continue
            while (fault := self._fault_up_to(place)) is not None:
                if fault is Fault.REORDER:
                    await self._send_next_first(response, place, sent)
                elif await self._commit(fault, request, response, message):
                    return
            await self._send(response, message)
            place += 1

    async def _wait(self, request: web.Request, response: web.StreamResponse, place: int) -> bool:
        """Wait until a message is due (or for ever), with signs of life; False when a fault ends the connection."""
        message = self.messages[place] if place < len(self.messages) else None
        while message is None or self.clock.now() < from_micros(message.due) + self.latency:
            try:
                async with asyncio.timeout(self.pulse):
                    if message is None:
                        await asyncio.Event().wait()
                    else:
                        await self.clock.sleep_until(from_micros(message.due) + self.latency)
            except TimeoutError:
                gone_by = bisect_left(self.messages, to_micros(self.clock.now()), key=lambda one: one.due)
                while (fault := self._fault_up_to(min(gone_by, place) - 1)) is not None:
                    if fault in _NEED_A_MESSAGE:
                        self.faults.could_not(fault)
                    elif await self._commit(fault, request, response, None):
                        return False
                await response.write(b"\r\n")
        return True

    def _fault_up_to(self, place: int) -> Fault | None:
        """The next fault planned for this message, or for one before it that has gone by."""
        while self._faulty <= place:
            if (fault := self.faults.next_at(self._faulty)) is not None:
                return fault
            self._faulty += 1
        return None

    async def _send(self, response: web.StreamResponse, message: XMessage) -> None:
        self._bill(message)
        matching = [{"id": rule.id, "tag": rule.tag} for rule in self._matching(message)]
        rules = b',"matching_rules":' + msgspec.json.encode(matching) + b"}"
        await response.write(message.raw.rstrip()[:-1] + rules + b"\r\n")

    async def _send_next_first(self, response: web.StreamResponse, place: int, sent: set[int]) -> None:
        """Send the next message before this one, if it is near enough in time."""
        for later in range(place + 1, len(self.messages)):
            message = self.messages[later]
            if message.due - self.messages[place].due > _SWAPPED_WITHIN:
                break
            if later not in sent and self._matching(message):
                sent.add(later)
                await self.clock.sleep_until(from_micros(message.due) + self.latency)
                await self._send(response, message)
                return
        self.faults.could_not(Fault.REORDER)

    async def _commit(
        self, fault: Fault, request: web.Request, response: web.StreamResponse, message: XMessage | None
    ) -> bool:
        """Let a fault happen before a message is sent; True when it ends the connection."""
        match fault:
            case Fault.DROP if request.transport is not None:
                request.transport.abort()
            case Fault.GOING_AWAY:
                await response.write(msgspec.json.encode({"errors": [OPERATIONAL_DISCONNECT]}) + b"\r\n")
            case Fault.SILENT:
                await asyncio.sleep(self.faults.silence)
            case Fault.GARBAGE:
                await response.write(b"}{ this is not JSON\r\n")
            case Fault.TRUNCATED if message is not None:
                await response.write(message.raw[: len(message.raw) // 2] + b"\r\n")
            case Fault.BAD_UTF8:
                await response.write(b'{"data":{"id":"1","text":"\xff\xfe"}}\r\n')
            case Fault.OVERSIZED:
                await response.write(b'{"data":"' + b"x" * self.faults.size + b'"}\r\n')
            case Fault.DUPLICATE if message is not None:
                await self._send(response, message)
        return fault in _ENDING

    async def _search(self, request: web.Request) -> web.StreamResponse:
        self.clock.begin()
        now = self.clock.now()
        started, made = self._window
        if now - started >= _QUARTER:
            started, made = now, 0
        self._window = (started, made + 1)
        headers = {
            "x-rate-limit-limit": str(self.searches_allowed),
            "x-rate-limit-remaining": str(max(0, self.searches_allowed - made - 1)),
            "x-rate-limit-reset": str(int((started + _QUARTER).timestamp())),
        }
        if made >= self.searches_allowed:
            return _answer(problem("Too Many Requests", "Too Many Requests"), 429, headers)
        self.searches += 1
        try:
            answer = self._found(dict(request.query))
        except ValueError as error:
            return _answer(problem("Invalid Request", str(error)), 400, headers)
        return _answer(answer, 200, headers)

    def _found(self, asked: dict[str, str]) -> msgspec.Raw:
        query, since, most = asked.get("query", ""), int(asked.get("since_id", "1")), int(asked["max_results"])
        if len(query) > _LONGEST_QUERY or not 10 <= most <= 100:
            raise ValueError("the query is too long, or max_results not from 10 to 100")
        now = self.clock.now()
        if from_micros(micros_of(since)) < now - _KEPT:
            raise ValueError("'since_id' must be an id made within the last 7 days")
        matches, skip = matcher(query), int(asked.get("next_token", "0"))
        latest = to_micros(now - self.latency)
        found = [one for one in reversed(self.messages) if one.due <= latest and one.id > since and matches(one.told)]
        page, more = found[skip : skip + most], skip + most < len(found)
        for one in page:
            self._bill(one)
        users = {user.id: user for one in page for user in one.users}
        meta = {"result_count": len(page), **({"next_token": str(skip + most)} if more else {})}
        told: dict[str, object] = {"meta": meta}
        if page:
            told |= {"data": [msgspec.Raw(one.data) for one in page], "includes": {"users": list(users.values())}}
        return msgspec.Raw(msgspec.json.encode(told))

    def _matching(self, message: XMessage) -> list[XRule]:
        in_force = message.due - self.rules_take // timedelta(microseconds=1)
        return [rule for rule in self.rules.values() if rule.since <= in_force and rule.matches(message.told)]

    def _bill(self, message: XMessage) -> None:
        self.billed.add(("post", str(message.id)))
        self.billed |= {("account", user.id) for user in message.users}


def _answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json")
