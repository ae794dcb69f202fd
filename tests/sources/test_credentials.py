"""Tokens: from the environment, then the keyring; never told, and every way a keyring can fail is said plainly."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from feedmon.model.problems import BadInput
from feedmon.sources.base import SourceRefused
from feedmon.sources.credentials import credential, remove, store, token_for, variable

SECRET = "AAAA-very-secret-token"


class MemoryKeyring(KeyringBackend):
    """A keyring that lives as long as a test, and fails as it is told to."""

    priority = 1

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring leaves it so
        self.kept: dict[tuple[str, str], str] = {}
        self.failure = failure

    def get_password(self, service: str, username: str) -> str | None:
        if self.failure is not None:
            raise self.failure
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_the_environment_comes_before_the_keyring(ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    store("council-x", "from-the-keyring")
    assert ring.kept == {("feedmon", "council-x"): "from-the-keyring"}
    assert credential("council-x") == "from-the-keyring"
    monkeypatch.setenv("FEEDMON_TOKEN_COUNCIL_X", f"{SECRET}\n")
    assert credential("council-x") == SECRET
    monkeypatch.setenv("FEEDMON_TOKEN_COUNCIL_X", " ")
    assert credential("council-x") == "from-the-keyring"


@pytest.mark.parametrize(("name", "expected"), [("x", "FEEDMON_TOKEN_X"), ("my.feed-2", "FEEDMON_TOKEN_MY_FEED_2")])
def test_a_source_has_a_variable_of_its_own(name: str, expected: str) -> None:
    assert variable(name) == expected


def test_storing_strips_what_pasting_brings_and_removing_says_whether_there_was_one(ring: MemoryKeyring) -> None:
    store("x", f"  {SECRET}\n")
    assert credential("x") == SECRET
    assert remove("x")
    assert not remove("x")
    assert credential("x") is None


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "ünicode", "x" * 9_000, "esc\x1b[31m"])
def test_what_cannot_be_a_token_is_refused_and_never_quoted(ring: MemoryKeyring, token: str) -> None:
    with pytest.raises(BadInput, match="cannot be a token") as refused:
        store("x", token)
    assert not ring.kept
    assert not token or token not in str(refused.value)


@pytest.mark.parametrize(
    ("failure", "said"), [(KeyringLocked("no"), "does not answer"), (RuntimeError(SECRET), "is broken (RuntimeError)")]
)
async def test_a_keyring_that_fails_is_said_plainly(ring: MemoryKeyring, failure: Exception, said: str) -> None:
    ring.failure = failure
    with pytest.raises(BadInput) as refused:
        credential("x")
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)
    with pytest.raises(SourceRefused, match="environment variable"):
        await token_for("x")


async def test_without_any_keyring_the_environment_is_enough(
    ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]  # keyring leaves it so
    assert credential("x") is None
    with pytest.raises(BadInput, match="has none"):
        store("x", SECRET)
    with pytest.raises(SourceRefused, match="feedmon sources token x"):
        await token_for("x")
    monkeypatch.setenv("FEEDMON_TOKEN_X", SECRET)
    assert await token_for("x") == SECRET
