"""Whose account it is: by the network's id, by handle only where no id says otherwise."""

from __future__ import annotations

from msgspec.structs import replace

from feedmon.judgement.room import Room
from feedmon.model.meeting import Account
from feedmon.model.posts import Author
from tests.sources.bluesky_frames import MARCHBANKS, MEETING, STRANGER


def test_a_handle_that_its_owner_gave_up_does_not_make_a_stranger_the_member() -> None:
    room = Room(MEETING, (), (), None)
    kept = room.author(Author("cllr-marchbanks.example", MARCHBANKS), "bluesky").member
    assert kept is not None
    assert kept.id == "helen-marchbanks"
    assert room.author(Author("marchbanks.example", STRANGER), "bluesky").member is None


def test_where_the_roster_has_no_id_or_the_post_has_none_the_handle_counts() -> None:
    room = Room(MEETING, (), (), None)
    assert room.author(Author("marchbanks.example"), "bluesky").member is not None
    assert room.author(Author("sandhu.example", STRANGER), "bluesky").member is not None
    council = replace(MEETING.council, accounts=(Account(network="bluesky", handle="tc.example"),))
    assert Room(replace(MEETING, council=council), (), (), None).author(Author("tc.example", "x"), "bluesky").account
