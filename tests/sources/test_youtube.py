"""YouTube's live chat, followed from a real server on this machine."""

from __future__ import annotations

import pytest

from feedmon.rehearsal.youtube_server import KEY
from tests.sources.source_conformance import Rig, SourceConformance
from tests.sources.youtube_rig import YouTubeRig


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDMON_TOKEN_WEBCAST", KEY)


class TestYouTubeConformance(SourceConformance):
    @pytest.fixture
    def rig(self) -> Rig:
        return YouTubeRig()

    async def test_nothing_is_lost_or_doubled_over_reconnections(self, rig: Rig) -> None:
        """Following waits for several things at a time, so time must pass by itself."""
        await super().test_nothing_is_lost_or_doubled_over_reconnections(YouTubeRig(rate=240))
