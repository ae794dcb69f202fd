"""Posts entered by hand: through the real door, judged like any other, written down only when they must be."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from feedmon.journal import open_readonly
from feedmon.model.entries import PostCaptured
from feedmon.model.meeting import Account, Meeting
from feedmon.wire import CaptureRequest, Done, FlagRaised, Snapshot
from tests.service.evening import evening, followed
from tests.service.rooms import THREAT, at

VIEW = "Anyone know why the harbour lights were off last night?"


def capture(name: str, text: str = VIEW, **more: object) -> CaptureRequest:
    fields = {"id": name, "network": "facebook", "author": "Gull Watcher", "text": text, "at": at(31), **more}
    return CaptureRequest(**fields)  # type: ignore[arg-type]  # its fields


def with_account(meeting: Meeting, member: str, account: Account) -> Meeting:
    members = tuple(
        msgspec.structs.replace(one, accounts=(*one.accounts, account)) if one.id == member else one
        for one in meeting.members
    )
    return msgspec.structs.replace(meeting, members=members)


def written(data: Path, meeting: str) -> list[PostCaptured]:
    with open_readonly(data / "journal.db") as reader:
        entries = [recorded.entry for recorded in reader.history(meeting)]
    return [entry for entry in entries if isinstance(entry, PostCaptured)]


async def test_a_threat_captured_by_hand_is_flagged_and_on_record(tmp_path: Path) -> None:
    asked = capture("c1", THREAT, url="https://www.facebook.com/groups/saltmarsh/posts/1", by="deputy clerk")
    async with evening(tmp_path, rate=60) as held, held.desk() as desk:
        status, answer = await desk.post("captures", asked)
        assert status == 200
        flag = await desk.until(FlagRaised, lambda message: message.view.post.source == "by hand")
        again = await desk.post("captures", asked)
        assert again == (200, {"entry": answer["entry"], "warning": ""})
        status, refused = await desk.post("captures", msgspec.structs.replace(asked, text="Something else"))
        assert status == 409
        assert "another act" in str(refused["error"])
    post = flag.view.post
    assert (post.network, post.id, post.captured_by) == ("facebook", asked.url, "deputy clerk")
    assert [entry.post for entry in written(tmp_path, "example")] == [post]
    async with evening(tmp_path, rate=60) as held, held.desk() as desk:  # after a restart the answer is the same
        assert await desk.post("captures", asked) == again
        assert any(view.post == post for view in (await desk.until(Snapshot)).flags)


async def test_what_raises_no_flag_is_counted_and_not_written_down(tmp_path: Path) -> None:
    async with evening(tmp_path, rate=60) as held, held.desk() as desk:
        status, answer = await desk.post("captures", capture("c1"))
        assert (status, answer["entry"]) == (200, 0)
        assert "not written down" in str(answer["warning"])
        assert await desk.post("captures", capture("c1")) == (200, {"entry": 0, "warning": ""})
    assert not written(tmp_path, "example")


async def test_a_members_post_is_theirs_by_the_account_in_the_meeting_file(tmp_path: Path) -> None:
    account = Account(network="facebook", handle="aoife.brennan.pennyfold")
    meeting = with_account(followed(), "aoife-brennan", account)
    async with evening(tmp_path, rate=60, meetings=[meeting]) as held, held.desk() as desk:
        status, answer = await desk.post("captures", capture("c1", author="Aoife Brennan", member="aoife-brennan"))
        assert status == 200
        assert msgspec.convert(answer, Done).entry > 0
    (entry,) = written(tmp_path, "example")
    assert entry.member == "aoife-brennan"
    assert entry.post.author.handle == account.handle


async def test_the_same_address_again_is_a_newer_version_of_the_post(tmp_path: Path) -> None:
    url = "https://www.facebook.com/groups/saltmarsh/posts/1"
    async with evening(tmp_path, rate=60) as held, held.desk() as desk:
        await desk.post("captures", capture("c1", url=url))
        await desk.post("captures", capture("c2", THREAT, url=url, at=at(31.5)))
        await desk.until(FlagRaised, lambda message: message.view.post.version == "c2")
    first, second = written(tmp_path, "example")
    assert (first.post.version, second.post.version) == ("c1", "c2")
    assert (first.edited, second.edited) == (False, True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"id": " "}, "id of its own"),
        ({"network": "Face Book"}, "one word"),
        ({"author": ""}, "“author”"),
        ({"author": "two\nlines"}, "“author”"),
        ({"by": "\x1b[31m"}, "“by”"),
        ({"text": " "}, "a text"),
        ({"text": "a\0b"}, "a text"),
        ({"text": "x" * 30_001}, "a text"),
        ({"url": "javascript:alert(1)"}, "“url”"),
        ({"url": "https://[::bad"}, "“url”"),
        ({"at": at(-30)}, "outside the time"),
        ({"at": at(120)}, "still to come"),
        ({"member": "aoife-brenan"}, "Did you mean “aoife-brennan”?"),
        ({"member": "aoife-brennan"}, "no account on facebook"),
    ],
)
async def test_what_cannot_be_a_post_is_refused_with_the_reason(
    tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    async with evening(tmp_path, rate=60) as held, held.desk() as desk:
        status, answer = await desk.post("captures", msgspec.structs.replace(capture("c1"), **wrong))
    assert status == 400
    assert said in f"{answer['error']} {answer['mend']}"


@pytest.mark.parametrize(
    ("more", "said"),
    [({"network": "bluesky"}, "by itself"), ({"author": "Cllr Aoife Brennan"}, "say so with “member”")],
)
async def test_what_looks_odd_is_taken_and_said(tmp_path: Path, more: dict[str, object], said: str) -> None:
    async with evening(tmp_path, rate=60) as held, held.desk() as desk:
        status, answer = await desk.post("captures", capture("c1", THREAT, **more))
    assert status == 200
    assert said in str(answer["warning"])
