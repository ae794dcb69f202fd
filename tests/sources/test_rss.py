"""RSS and Atom, followed from a real server on this machine."""

from __future__ import annotations

import pytest

from tests.sources.rss_rig import RssRig
from tests.sources.source_conformance import Rig, SourceConformance


class TestRssConformance(SourceConformance):
    @pytest.fixture
    def rig(self) -> Rig:
        return RssRig()

    async def test_nothing_is_lost_or_doubled_over_reconnections(self, rig: Rig) -> None:
        """Following waits for several things at a time, so time must pass by itself."""
        await super().test_nothing_is_lost_or_doubled_over_reconnections(RssRig(rate=1000))
