"""The agenda as it was taken, and what was so in the room, from the marks. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from feedmon.model.meeting import AgendaItem, Meeting
from feedmon.model.timeline import MarkKind, Moment, Phase, Timeline
from feedmon.review.model import ItemTaken, MarkStory, RoomState, Stretch


def items_taken(
    meeting: Meeting, timeline: Timeline, last: datetime
) -> tuple[tuple[ItemTaken, ...], tuple[ItemTaken, ...]]:
    """Every item of the agenda with when it was taken, and those that marks name but the agenda does not have."""
    unlisted = {stretch.item for stretch in timeline.stretches} - {item.number for item in meeting.items}
    return (
        tuple(_taken(item, timeline, last) for item in meeting.items),
        tuple(_taken(AgendaItem(number=number, title=""), timeline, last) for number in sorted(unlisted)),
    )


def room_states(timeline: Timeline) -> tuple[RoomState, ...]:
    """When the public was out, recording suspended, members asked not to post, and the meeting adjourned."""
    states: list[RoomState] = []
    moments = [timeline.moment(mark.at) for mark in timeline.marks]
    for what, holds in _HOLDS.items():
        since: datetime | None = None
        for moment in moments:
            if holds(moment) and since is None:
                since = moment.at
            elif not holds(moment) and since is not None:
                states.append(RoomState(what=what, stretch=Stretch(start=since, end=moment.at)))
                since = None
        if since is not None:
            states.append(RoomState(what=what, stretch=Stretch(start=since)))
    return tuple(sorted(states, key=lambda state: (state.stretch.start, state.what)))


def sitting(timeline: Timeline) -> Stretch | None:
    """From the opening to the close; None when the marks never open the meeting."""
    moments = [timeline.moment(mark.at) for mark in timeline.marks]
    opened = next((moment.at for moment in moments if moment.phase is Phase.IN_SESSION), None)
    if opened is None:
        return None
    return Stretch(start=opened, end=next((moment.at for moment in moments if moment.phase is Phase.ENDED), None))


def mark_stories(timeline: Timeline) -> tuple[MarkStory, ...]:
    """All marks in the order the clerk made them, each with what became of it."""
    holding = {mark.id for mark in timeline.marks}
    replaced = {mark.supersedes: mark.id for mark in timeline.entered if mark.supersedes is not None}
    return tuple(
        MarkStory(mark=mark, holds=mark.id in holding, replaced_by=replaced.get(mark.id)) for mark in timeline.entered
    )


_HOLDS: dict[MarkKind, Callable[[Moment], bool]] = {
    MarkKind.PUBLIC_EXCLUDED: lambda moment: moment.closed_session,
    MarkKind.RECORDING_SUSPENDED: lambda moment: moment.recording_suspended,
    MarkKind.ASKED_NOT_TO_POST: lambda moment: moment.asked_not_to_post,
    MarkKind.ADJOURNED: lambda moment: moment.phase is Phase.ADJOURNED,
}


def _taken(item: AgendaItem, timeline: Timeline, last: datetime) -> ItemTaken:
    return ItemTaken(
        item=item,
        stretches=tuple(
            Stretch(start=stretch.start, end=stretch.end)
            for stretch in timeline.stretches
            if stretch.item == item.number
        ),
        seconds=round(timeline.time_on(item.number, last).total_seconds()),
    )
