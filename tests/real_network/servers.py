"""A real part of Bluesky's network: an identity directory and a personal data server, and people who use it."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from tests.real_network.install import Installed

_SCRIPT = "network.mjs"
_LONGEST_START = 60.0


class Network:
    """Both servers, as a context manager; ports are chosen, and nothing beyond this machine can reach them."""

    def __init__(self, installed: Installed, folder: Path) -> None:
        self._installed = installed
        self._folder = folder
        self._secret = secrets.token_hex(32)
        self._directory_port, self._server_port = free_port(), free_port()
        self._directory: subprocess.Popen[str] | None = None
        self._server: subprocess.Popen[str] | None = None
        self.directory_url = f"http://127.0.0.1:{self._directory_port}"
        self.url = f"http://127.0.0.1:{self._server_port}"
        self.stream_url = f"ws://127.0.0.1:{self._server_port}"

    def __enter__(self) -> Network:
        shutil.copy(Path(__file__).with_name(_SCRIPT), self._installed.packages)
        self._directory = self._run("plc", str(self._directory_port))
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if self._directory is not None:
            _end(self._directory)

    def start(self) -> None:
        """Start the data server, on what it had stored."""
        data = self._folder / "server"
        data.mkdir(exist_ok=True)
        self._server = self._run("pds", str(self._server_port), self.directory_url, str(data), self._secret)

    def kill(self) -> None:
        """End the data server as a loss of power would."""
        if self._server is not None:
            _end(self._server)
            self._server = None

    def _run(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(self._installed.node), _SCRIPT, *arguments],
            cwd=self._installed.packages,
            env=os.environ | {"LOG_ENABLED": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        overdue = threading.Timer(_LONGEST_START, process.kill)
        overdue.start()
        assert process.stdout is not None
        said = process.stdout.readline()
        overdue.cancel()
        if said.strip() != "ready":
            _, errors = process.communicate()
            raise RuntimeError(f"{arguments[0]} did not start: {said}{errors[-2000:]}")
        return process


class Person:
    """Somebody with an account on the server, and what they do there."""

    def __init__(self, session: aiohttp.ClientSession, server: str, did: str, token: str) -> None:
        self.did = did
        self._session = session
        self._server = server
        self._token = token

    @classmethod
    async def new(cls, session: aiohttp.ClientSession, server: str, handle: str) -> Person:
        """Open an account."""
        body = {"handle": handle, "email": f"{handle}@mail.example", "password": secrets.token_hex(8)}
        async with session.post(f"{server}/xrpc/com.atproto.server.createAccount", json=body) as answer:
            assert answer.status == 200, await answer.text()
            told = await answer.json()
        return cls(session, server, told["did"], told["accessJwt"])

    async def call(self, method: str, body: dict[str, Any] | None = None) -> Any:
        """Call a procedure of the server's."""
        asked = self._session.post(
            f"{self._server}/xrpc/{method}", json=body, headers={"Authorization": f"Bearer {self._token}"}
        )
        async with asked as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json() if answer.content_type == "application/json" else None

    async def post(self, text: str) -> str:
        """Write a post; its address."""
        body = {"repo": self.did, "collection": "app.bsky.feed.post", "record": record(text)}
        return str((await self.call("com.atproto.repo.createRecord", body))["uri"])

    async def edit(self, uri: str, text: str) -> None:
        """Write a post anew."""
        await self.call("com.atproto.repo.putRecord", {**self._address(uri), "record": record(text)})

    async def delete(self, uri: str) -> None:
        """Take a post away."""
        await self.call("com.atproto.repo.deleteRecord", self._address(uri))

    async def post_many(self, texts: list[str]) -> list[str]:
        """Write many posts in one commit; their addresses."""
        writes = [
            {"$type": "com.atproto.repo.applyWrites#create", "collection": "app.bsky.feed.post", "value": record(text)}
            for text in texts
        ]
        done = await self.call("com.atproto.repo.applyWrites", {"repo": self.did, "writes": writes})
        return [str(result["uri"]) for result in done["results"]]

    def _address(self, uri: str) -> dict[str, str]:
        collection, rkey = uri.removeprefix("at://").split("/")[1:]
        return {"repo": self.did, "collection": collection, "rkey": rkey}


def record(text: str) -> dict[str, str]:
    """A post's record, from a clock that is wrong."""
    return {"$type": "app.bsky.feed.post", "text": text, "createdAt": "1999-01-01T00:00:00Z"}


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return int(asking.getsockname()[1])


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
