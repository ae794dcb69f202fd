"""How long each source was followed, and how it did meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from feedmon.model.meeting import SourceSpec
from feedmon.model.sourcestate import SourceCondition, SourceState
from feedmon.review.model import SourceFollowed, Stretch


def sources_followed(
    specs: Iterable[SourceSpec], states: Sequence[SourceState], runs: Sequence[Stretch], last: datetime
) -> tuple[SourceFollowed, ...]:
    """Each source of the meeting file, then any other that reported.

    ``states`` are as reported, oldest first; ``runs`` are the stretches in which the meeting was followed, of which
    the last may not have ended: then it is taken to go up to ``last``.
    """
    known = {spec.name: spec for spec in specs}
    names = dict.fromkeys([*known, *(state.name for state in states)])
    return tuple(
        _one(known.get(name, SourceSpec(kind="", name=name, url="")), [s for s in states if s.name == name], runs, last)
        for name in names
    )


def _one(spec: SourceSpec, states: Sequence[SourceState], runs: Sequence[Stretch], last: datetime) -> SourceFollowed:
    seconds: dict[SourceCondition, float] = {}
    for run in runs:
        end = run.end or last
        for condition, since, until in _conditions(states, run.start, end):
            seconds[condition] = seconds.get(condition, 0.0) + (until - since).total_seconds()
    latest = states[-1] if states else None
    return SourceFollowed(
        name=spec.name,
        kind=spec.kind,
        url=spec.url,
        condition=latest.condition if latest else None,
        why=latest.why if latest else "",
        last_post=max((state.last_post for state in states if state.last_post), default=None),
        seconds={condition: round(total) for condition, total in seconds.items()},
    )


def _conditions(
    states: Sequence[SourceState], start: datetime, end: datetime
) -> list[tuple[SourceCondition, datetime, datetime]]:
    """The conditions a source was in between two instants, one after the other, leaving no time out."""
    changes = [(SourceCondition.STARTING, start)]
    for state in states:
        if start <= state.since < end:
            # a report may tell late since when it has been so, but not from before the report that came before it
            changes.append((state.condition, max(state.since, changes[-1][1])))
    ends = [since for _, since in changes[1:]] + [end]
    return [(condition, since, until) for (condition, since), until in zip(changes, ends, strict=True)]
