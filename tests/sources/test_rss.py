"""RSS and Atom, followed from a real server on this machine."""

from __future__ import annotations

import pytest

from tests.sources.rss_rig import RssRig
from tests.sources.source_conformance import Rig, SourceConformance


class TestRssConformance(SourceConformance):
    @pytest.fixture
    def rig(self) -> Rig:
        return RssRig()
