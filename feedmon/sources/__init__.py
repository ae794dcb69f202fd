"""The feeds. Adding one is one file here, with a class that fulfils :class:`~feedmon.sources.base.Source`, and one
line in :data:`REGISTRY`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from feedmon.model.meeting import Meeting, SourceSpec
from feedmon.model.posts import PostKey
from feedmon.model.problems import BadInput, Problem, did_you_mean
from feedmon.sources.base import (
    Captured,
    Connected,
    ConnectionItem,
    CursorMoved,
    Source,
    SourceItem,
    SourceLost,
    SourceRefused,
    Tap,
)
from feedmon.sources.bluesky_records import NETWORK as BLUESKY
from feedmon.sources.firehose import PdsSource
from feedmon.sources.jetstream import JetstreamSource
from feedmon.sources.mastodon import MastodonSource
from feedmon.sources.mastodon_status import NETWORK as MASTODON
from feedmon.sources.rss import RssSource
from feedmon.sources.select import MeetingIndex, Selection
from feedmon.sources.supervisor import PATIENCE, Policy, follow, unseen_at_end
from feedmon.sources.x import XSource
from feedmon.sources.x_posts import NETWORK as X
from feedmon.sources.youtube import YouTubeSource


class _Opener(Protocol):
    def __call__(
        self, spec: SourceSpec, selection: Selection, *, held: Iterable[PostKey] = (), tap: Tap | None = None
    ) -> Source: ...


REGISTRY: dict[str, _Opener] = {
    "bluesky": JetstreamSource,
    "mastodon": MastodonSource,
    "pds": PdsSource,
    "rss": RssSource,
    "x": XSource,
    "youtube": YouTubeSource,
}
"""Every kind of source a meeting file may name."""

_OWN_NETWORK = {"bluesky": BLUESKY, "mastodon": MASTODON, "pds": BLUESKY, "x": X}
"""The network of those kinds that know accounts by name: a handle of another network may be a stranger's."""


def selection_for(spec: SourceSpec, meetings: Iterable[Meeting]) -> Selection:
    """What these meetings follow by this source."""
    return Selection.of(meetings, _OWN_NETWORK.get(spec.kind))


def open_source(
    spec: SourceSpec, selection: Selection, *, held: Iterable[PostKey] = (), tap: Tap | None = None
) -> Source:
    """The source a meeting file describes, ready to be followed; nothing is connected yet.

    ``held`` are posts captured before this process began, so that their edits and deletions are handed on too;
    ``tap`` is shown every raw message. Raises BadInput for an unknown kind or an unusable url.
    """
    opener = REGISTRY.get(spec.kind)
    if opener is None:
        place = f"source “{spec.name}”, kind"
        raise BadInput(Problem(place, f"“{spec.kind}” is no kind of source.", did_you_mean(spec.kind, REGISTRY)))
    return opener(spec, selection, held=held, tap=tap)


__all__ = [
    "PATIENCE",
    "REGISTRY",
    "Captured",
    "Connected",
    "ConnectionItem",
    "CursorMoved",
    "MeetingIndex",
    "Policy",
    "Selection",
    "Source",
    "SourceItem",
    "SourceLost",
    "SourceRefused",
    "Tap",
    "follow",
    "open_source",
    "selection_for",
    "unseen_at_end",
]
