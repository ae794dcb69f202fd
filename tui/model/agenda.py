"""The agenda as it stands: what was taken, for how long, where the meeting is, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from feedmon.wire import AgendaItem, Phase
from tui.model.desk import Desk


class Place(StrEnum):
    """Where an item is in the evening. ``broken_off`` is the one an adjournment interrupted."""

    NOW = "now"
    BROKEN_OFF = "broken_off"
    TAKEN = "taken"
    TO_COME = "to_come"


@dataclass(frozen=True, slots=True)
class Row:
    """One agenda item, where it is, and how long it has been taken in all."""

    item: AgendaItem
    place: Place
    taken: timedelta


def rows(desk: Desk, now: datetime) -> tuple[Row, ...]:
    """The agenda's rows, in printed order."""
    moment = desk.moment(now)
    taken = {stretch.item for stretch in desk.timeline.stretches if stretch.start <= now}

    def place(number: str) -> Place:
        if number == moment.item:
            return Place.NOW
        if moment.phase is Phase.ADJOURNED and number == moment.previous_item:
            return Place.BROKEN_OFF
        return Place.TAKEN if number in taken else Place.TO_COME

    return tuple(Row(item, place(item.number), desk.timeline.time_on(item.number, now)) for item in desk.meeting.items)


def next_item(desk: Desk, now: datetime) -> AgendaItem | None:
    """The item after the one being taken, or after the last taken; the first before any. None after the last."""
    moment = desk.moment(now)
    items = [item for item in desk.meeting.items if item.number]
    at = moment.item or moment.previous_item
    places = [index for index, item in enumerate(items) if item.number == at]
    following = items[places[0] + 1 :] if places else items
    return following[0] if following else None
