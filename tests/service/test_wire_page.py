"""The page about the wire is true: every example is read by the types, and everything on the wire has one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

import feedmon
from feedmon.service.api import MeetingListed
from feedmon.service.readiness import Readiness
from feedmon.wire import (
    CaptureLink,
    CaptureRequest,
    ChairLink,
    DecisionRequest,
    Done,
    MarkRequest,
    Message,
    Refusal,
    decode,
)

PAGE = (Path(feedmon.__file__).parent / "docs" / "wire.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```json (\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
BODIES: dict[str, object] = {
    "MarkRequest": MarkRequest,
    "DecisionRequest": DecisionRequest,
    "CaptureRequest": CaptureRequest,
    "Done": Done,
    "CaptureLink": CaptureLink,
    "ChairLink": ChairLink,
    "Refusal": Refusal,
    "meetings": list[MeetingListed],
    "readyz": Readiness,
}
TAGS = {str(kind.__struct_config__.tag) for kind in Message.__args__}


def within(example: object, whole: object) -> bool:
    """Whether everything an example says is in what the types make of it: no field misspelt or made up."""
    if isinstance(example, dict) and isinstance(whole, dict):
        return all(key in whole and within(value, whole[key]) for key, value in example.items())
    if isinstance(example, list) and isinstance(whole, list):
        return len(example) == len(whole) and all(map(within, example, whole))
    return example == whole


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
def test_each_example_is_read_as_what_it_says_it_is(name: str, text: str) -> None:
    """And nothing in it is passed over."""
    if name in BODIES:
        read = msgspec.json.decode(text, type=BODIES[name])
    else:
        read = decode(text)
        assert read is not None
        assert read.__struct_config__.tag == name
    assert within(json.loads(text), json.loads(msgspec.json.encode(read)))


def test_everything_on_the_wire_has_an_example() -> None:
    """A message or request added later is not forgotten here."""
    assert {name for name, _ in EXAMPLES} == TAGS | BODIES.keys()


def test_the_words_that_may_be_said_are_all_named() -> None:
    """Every kind of mark, decision, reason, condition and state stands on the page."""
    said = words_of(MarkRequest, "kind") | words_of(DecisionRequest, "kind") | words_of(DecisionRequest, "reason")
    for word in said | words_of(CaptureRequest, "media"):
        assert f"`{word}`" in PAGE, word


def words_of(kind: type[msgspec.Struct], field: str) -> set[str]:
    schema = json.dumps(msgspec.json.schema(kind))
    definitions = json.loads(schema)["$defs"]
    refs = re.findall(r"#/\$defs/(\w+)", json.dumps(definitions[kind.__name__]["properties"][field]))
    return {word for ref in refs for word in definitions[ref]["enum"]}
