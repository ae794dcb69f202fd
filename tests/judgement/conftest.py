"""A judge of all three packs, sitting in the example meeting."""

from __future__ import annotations

import pytest

from feedmon.documents.bundled import pack_ids
from feedmon.documents.packs import example_judge, read_packs
from feedmon.judgement.judge import Judge
from feedmon.judgement.packs import Pack


@pytest.fixture(scope="session")
def packs() -> tuple[Pack, ...]:
    return read_packs(pack_ids())


@pytest.fixture(scope="session")
def judge(packs: tuple[Pack, ...]) -> Judge:
    return example_judge(packs)
