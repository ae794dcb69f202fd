"""X from its own protocol to the desk: a flag on a post from the stream, what it costs beside the source, no token."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from feedmon.model.meeting import SourceSpec
from feedmon.rehearsal.clock import RehearsalClock
from feedmon.rehearsal.x_server import XServer
from feedmon.service.app import Preparation, Settings, serving
from feedmon.wire import FlagRaised, SourceChanged
from tests.service import rooms
from tests.service.evening import HASTY, Evening
from tests.sources import x_frames


async def test_a_flag_on_a_post_from_x(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDMON_TOKEN_X", x_frames.TOKEN)
    lines = [x_frames.line(x_frames.RESIDENT, seconds, rooms.THREAT) for seconds in range(60, 3600, 60)]
    clock = RehearsalClock(x_frames.EVENING, 120, held=True)
    async with XServer(lines, clock, pulse=0.05) as server:
        source = SourceSpec(kind="x", name="x", url=server.url, cap=1.0)
        meeting = msgspec.structs.replace(rooms.meeting(), sources=(source,))
        settings = Settings(tmp_path, port=0, rate=120, policy=HASTY)
        async with serving([Preparation(meeting, rooms.packs())], settings, clock) as running:
            clock.begin()
            async with Evening(running, clock, tmp_path, meeting).desk() as desk:
                flag = await desk.until(FlagRaised)
                await desk.until(SourceChanged, lambda told: "of $1.00 spent at most" in told.state.why)
    assert flag.view.post.network == "x"
    assert flag.view.post.author.handle == "gullwatcher"
    assert x_frames.TOKEN not in repr(desk.heard)
    assert x_frames.TOKEN.encode() not in (tmp_path / "journal.db").read_bytes()
