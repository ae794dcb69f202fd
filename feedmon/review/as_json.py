"""The review as JSON: for other programs, and for whoever wants everything. Told of in ``feedmon/docs/journal.md``."""

from __future__ import annotations

import msgspec

from feedmon.review.model import Review


def as_json(review: Review) -> str:
    """The structs of :mod:`feedmon.review.model` as they are, texts exactly as captured."""
    return msgspec.json.format(msgspec.json.encode(review), indent=2).decode() + "\n"
