"""A real network for the tests marked ``real_network``, which run only when asked for: ``-m real_network -rs``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real_network.install import CannotInstall, installed
from tests.real_network.servers import Network


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A real data server and identity directory; the tests are skipped, with the reason, where they cannot be had."""
    try:
        there = installed()
    except CannotInstall as error:
        pytest.skip(f"Bluesky's own servers cannot be had here: {error}")
    with Network(there, tmp_path_factory.mktemp("network")) as network:
        yield network
