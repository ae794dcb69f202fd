"""Recordings read and written, with every mistake told by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.model.problems import BadInput
from feedmon.rehearsal.recording import read_recording, recording_of
from feedmon.sources.recording import Recorder
from tests.sources.bluesky_frames import RESIDENT, T0, identity, post


def problems_of(path: Path) -> list[str]:
    with pytest.raises(BadInput) as bad:
        read_recording(path)
    return [str(problem) for problem in bad.value.problems]


def test_what_is_written_is_read_back_byte_for_byte(tmp_path: Path) -> None:
    frames = [post(RESIDENT, f"3{number}", "Caffè ＃x 🏛️", number) for number in range(5)]
    with Recorder(tmp_path / "r.jsonl") as recorder:
        for frame in frames:
            recorder.write(frame)
            assert (tmp_path / "r.jsonl").read_bytes().endswith(frame + b"\n")
    assert recorder.count == 5
    recording = read_recording(tmp_path / "r.jsonl")
    assert [line.raw for line in recording.lines] == frames
    assert [line.micros for line in recording.lines] == [T0 + number for number in range(5)]


def test_a_message_on_several_lines_is_recorded_on_one(tmp_path: Path) -> None:
    with Recorder(tmp_path / "r.jsonl") as recorder:
        recorder.write(b'{\r\n "did": "did:plc:x",\n "time_us": %d, "kind": "account"}' % T0)
    assert len(read_recording(tmp_path / "r.jsonl").lines) == 1


def test_a_recording_never_overwrites_anything(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("precious")
    with pytest.raises(BadInput, match="never overwrites"), Recorder(path):
        pass
    assert path.read_text() == "precious"
    with pytest.raises(BadInput, match="cannot be written"), Recorder(tmp_path / "no" / "r.jsonl"):
        pass


def test_every_bad_line_is_told_by_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(
        b"\n".join([post(RESIDENT, "3a", "x"), b"{", b"", b"[]", b'{"did":"x"}', b'{"\xff":1}', b"[" * 100_000])
    )
    assert problems_of(path) == [
        f"{path}:2: is no Jetstream message: Input data was truncated.",
        f"{path}:4: is no Jetstream message: Expected `object`, got `array`.",
        f"{path}:5: is no Jetstream message: Object missing required field `time_us`.",
        f"{path}:6: is no Jetstream message: it is not UTF-8.",
        f"{path}:7: is no Jetstream message: Expected `object`, got `array`.",
    ]


def test_of_very_many_bad_lines_the_first_are_told(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("x\n" * 500)
    told = problems_of(path)
    assert len(told) == 21
    assert told[-1] == f"{path}: has 480 more lines that are no Jetstream messages."


def test_a_file_that_is_none_empty_or_a_folder(tmp_path: Path) -> None:
    assert "is not there" in problems_of(tmp_path / "none.jsonl")[0]
    assert "is a folder" in problems_of(tmp_path)[0]
    (tmp_path / "empty.jsonl").write_text("\n\n")
    assert "holds no messages" in problems_of(tmp_path / "empty.jsonl")[0]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + post(RESIDENT, "3a", "x") + b"\r\n")
    assert read_recording(path).lines[0].raw == post(RESIDENT, "3a", "x")


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12), st.integers(-5, 60))
def test_lines_out_of_order_are_played_in_the_order_recorded(times: list[int], asked: int) -> None:
    """Each is due no sooner than the one before it; a cursor finds the first that is due at it or later."""
    recording = recording_of([identity(RESIDENT, None, time) for time in times], "r")
    dues = [line.due - T0 for line in recording.lines]
    assert dues == [max(times[: place + 1]) for place in range(len(times))]
    first = recording.first_due(T0 + asked)
    assert all(due < asked for due in dues[:first])
    assert all(due >= asked for due in dues[first:])
    missed = [time for time in times[:first] if time >= asked]
    assert missed == []
