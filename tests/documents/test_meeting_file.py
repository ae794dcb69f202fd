"""Meeting files: what they make, and that every mistake in one is told at once, where it stands, with the mend."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmon.documents.bundled import rules_dir, sample_feeds_dir
from feedmon.documents.meeting_file import load_meeting, read_meeting
from feedmon.documents.wording import KeyPath, dotted
from feedmon.model.meeting import AccountRole
from feedmon.model.problems import BadInput
from tests.documents.papers import SHORTEST, problems_of

EXAMPLE = (rules_dir() / "example_meeting" / "meeting.toml").read_text(encoding="utf-8")
RETYPED = ["7", "-0.5", "true", '"some words"', '""', "[]", "[1, 2]", '["a", "a"]', "{ a = 1 }", "2026-03-05",
           "2026-03-05T01:00:00Z", "12:30:00", "nan", "[[]]", '"\\u0000\\u202e"', "99999999999999999999"]  # fmt: skip


def key_lines(text: str) -> dict[int, KeyPath]:
    """The key paths of a plain TOML text by their lines, counted from 0."""
    found: dict[int, KeyPath] = {}
    count: Counter[str] = Counter()
    table: KeyPath = ()
    for number, line in enumerate(text.split("\n")):
        name = line.strip("[]")
        if line.startswith("["):
            table = (name, count[name]) if line.startswith("[[") else (name,)
            count[name] += 1
        elif " = " in line:
            found[number] = (*table, line.split(" = ")[0])
    return found


KEY_LINES = key_lines(EXAMPLE)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def told(tmp_path: Path, old: str, new: str) -> list[str]:
    """The problems of the shortest file with one thing changed, without the file's name."""
    assert old in SHORTEST
    file = written(tmp_path / "m.toml", SHORTEST.replace(old, new))
    return [problem.removeprefix(f"{file}:") for problem in problems_of(lambda: load_meeting(file))]


def test_the_example_meeting_loads_whole() -> None:
    paper = read_meeting(rules_dir() / "example_meeting" / "meeting.toml")
    meeting = paper.meeting
    assert (meeting.id, meeting.packs, meeting.hashtags) == ("example", ("ventnor",), ("SaltmarshTC",))
    assert [item.number for item in meeting.items] == [str(number) for number in range(1, 10)]
    assert "precept" in meeting.items[3].report
    assert meeting.member("priya-sandhu") is not None
    assert [member.name for member in meeting.members if not member.present] == ["Margaret Tull"]
    assert meeting.members[4].accounts[0].role is AccountRole.PERSONAL
    assert (paper.remarks, paper.hindrances) == ((), ())


@pytest.mark.parametrize("file", sorted(sample_feeds_dir().glob("*/meeting.toml")), ids=lambda file: file.parent.name)
def test_every_sample_meeting_can_be_followed(file: Path) -> None:
    assert load_meeting(file, to_follow=True).members


def test_local_times_are_those_of_the_meetings_time_zone(tmp_path: Path) -> None:
    summer = SHORTEST.replace("2026-03-05", "2026-07-09")
    assert load_meeting(written(tmp_path / "m.toml", summer)).window.starts == datetime(2026, 7, 9, 17, 30, tzinfo=UTC)
    lisbon = SHORTEST.replace('id = "m"', 'id = "m"\ntimezone = "Europe/Madrid"')
    assert load_meeting(written(tmp_path / "m.toml", lisbon)).window.starts == datetime(2026, 3, 5, 17, 30, tzinfo=UTC)
    offset = SHORTEST.replace("18:30:00", "18:30:00-05:00").replace("22:00:00", "22:00:00-05:00")
    assert load_meeting(written(tmp_path / "m.toml", offset)).window.starts == datetime(2026, 3, 5, 23, 30, tzinfo=UTC)


def test_values_are_tidied_and_quoted_times_read(tmp_path: Path) -> None:
    text = (
        SHORTEST.replace('"#SaltmarshTC"', '"#SaltmarshTC", "saltmarshtc", "＃Précis"')
        .replace('"marchbanks.example"', '"@Marchbanks.Example"')
        .replace("2026-03-05T18:30:00", '"2026-03-05 18:30"')
        .replace('name = "Helen Marchbanks"', 'name = "  Siân O\'Neill-Łuk "\nparty = ""')
    )
    meeting = load_meeting(written(tmp_path / "m.toml", "\ufeff" + text.replace("\n", "\r\n")))
    assert meeting.hashtags == ("SaltmarshTC", "Précis")
    assert meeting.members[0].accounts[0].handle == "marchbanks.example"
    assert (meeting.members[0].id, meeting.members[0].name) == ("sian-oneill-luk", "Siân O'Neill-Łuk")
    assert meeting.members[0].party is None
    assert meeting.window.starts == datetime(2026, 3, 5, 18, 30, tzinfo=UTC)


REALLY_BAD = """\
hashtag = ["#x"]
[meeting]
id = "full council"
title = 7
packs = ["ventor"]
hashtags = ["#Salt marsh", "#2026"]
timezone = "Europe/Londn"
[council]
nam = "Saltmarsh"
places = "Quayside"
[window]
starts = 2026-03-05T18:30:00
stops = 2026-03-05
[[item]]
number = 4
title = "Bud\\u0007get"
[[item]]
number = "5"
title = "Car park"
report = "reports/item-55.txt"
closed = "yes"
[[item]]
number = "5"
title = "Car park again"
report_text = "x"
report = "reports/item-5.txt"
exempt = true
[[members]]
name = "x"
[[member]]
name = "Helen Marchbanks"
accounts = [
  { network = "bluesky", handle = "@helen", rol = "personal" },
  { network = "bluesky", handle = "helen.example", id = "plc:x" },
]
[[member]]
name = "Tobias Renfrew"
present = 0
accounts = [{ network = "bluesky", handle = "Helen.example", role = "privat" }]
[[source]]
kind = "bluesky"
url = "ftp://x"
hashtags = ["a"]
[retention]
unflagged_days = -3
"""

EVERY_MISTAKE = """\
1: hashtag: is not a key known here. “hashtags” belongs in [meeting].
3: meeting.id: “full council” will not do as an id. Use only letters a to z, digits, hyphens, dots and underscores. \
For instance: "full-council".
4: meeting.title: should be text in quotes, not the number 7. Put it in quotes: "7".
5: meeting.packs[1]: “ventor” is no pack of rules. Did you mean “ventnor”?
6: meeting.hashtags[1]: “Salt marsh” has a space, and a hashtag is one word. For instance: "#SaltMarsh".
6: meeting.hashtags[2]: “2026” is not what networks take for a hashtag. Letters, digits and underscores do.
7: meeting.timezone: “Europe/Londn” is no time zone known here. Did you mean “Europe/London”?
9: council.nam: is not a key known here. Did you mean “name”?
10: council.places: should be a list, not the text “Quayside”. Put it in square brackets: ["Quayside"].
13: window.stops: should be a date and time, not the date 2026-03-05. Add the time of day: 2026-03-05T19:00:00.
15: item[1].number: should be text in quotes, not the number 4. Put it in quotes: "4".
16: item[1].title: holds an invisible character (U+0007): “Bud�get”. Delete it: this is shown on one line.
20: item[2].report: “reports/item-55.txt” is not there. Did you mean “item-5.txt”?
21: item[2].closed: should be true or false, not the text “yes”. Write true or false, without quotes.
23: item[3].number: “5” is already the number of “Car park”. Marks name items by number.
25: item[3].report_text: gives the item a second report, beside report. \
Keep report (a file) or report_text (the text itself).
27: item[3].exempt: is not a key known here. \
Use one of: closed, number, quasi_judicial, reason, report, report_text, title.
28: members: is not a key known here. Did you mean “member”?
33: member[1].accounts[1].rol: is not a key known here. Did you mean “role”?
33: member[1].accounts[1].handle: “helen” is not a whole Bluesky handle. Perhaps "helen.bsky.social"?
34: member[1].accounts[2].id: “plc:x” is not a Bluesky id. It begins with did:plc: or did:web:.
38: member[2].present: should be true or false, not the number 0. Write true or false, without quotes.
39: member[2].accounts[1].role: “privat” is not one of its choices. \
Use one of: corporate, councillor, party, personal.
39: member[2].accounts[1].handle: “helen.example (bluesky)” is already an account of Helen Marchbanks. \
Each belongs to one.
42: source[1].url: “ftp://x” is not the address of a feed. It begins with wss:// or https://.
43: source[1].hashtags: is not a key known here. “hashtags” belongs in [meeting].
45: retention.unflagged_days: should be at least 0, not the number -3."""


def test_every_mistake_in_a_really_bad_file_is_told_at_once_in_its_order(spoilt: Path) -> None:
    file = written(spoilt, REALLY_BAD)
    problems = problems_of(lambda: load_meeting(file))
    assert "\n".join(problem.removeprefix(f"{file}:") for problem in problems) == EVERY_MISTAKE


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("2026-03-05T18:30:00\nstops = 2026-03-05T22", "2026-03-29T01:30:00\nstops = 2026-03-29T22",
         "9: window.starts: never comes: the clocks in Europe/London go forward over it that night. "
         "Perhaps 2026-03-29T02:30:00?"),
        ("2026-03-05T18:30:00\nstops = 2026-03-05T22", "2026-10-25T01:30:00\nstops = 2026-10-25T22",
         "9: window.starts: comes twice that night: the clocks in Europe/London go back. "
         "Write which: 2026-10-25T01:30:00+01:00 for the first, 2026-10-25T01:30:00+00:00 for the second."),
        ("T22:00:00", "T00:30:00", "10: window.stops: is not after the window starts. "
         "If the meeting runs past midnight, write 2026-03-06T00:30:00."),
        ("stops = 2026-03-05", "stops = 2026-03-07",
         "10: window.stops: comes 52 hours after the window starts; 24 is the most. "
         "Check both dates. Each sitting has its own file."),
        ("starts = 2026", "starts = 0001", "9: window.starts: is in the year 1, when no meeting can be followed."),
        ('title = "Full Council"\n', "", '1: meeting.title: is missing. For instance: title = "Full Council"'),
        ('packs = ["ventnor"]', "packs = []", "4: meeting.packs: names no pack, so no rule would be in force. "
         "Name at least one."),
        ("[window]", "[[window]]", "8: window: should be a table, not a list. "
         "Write [window] with one pair of brackets, once."),
        ("[[item]]", "[item]", "11: item: should be a list, not a table. "
         "Write [[item]] with two pairs of brackets, once for each."),
        ('name = "Helen Marchbanks"', 'name = "李"', "16: member[1].name: is a name from which no id can be made. "
         'Add id = "…" in letters a to z and digits.'),
        ("[[source]]", '[[member]]\nname = "helen marchbanks"\n[[source]]',
         "19: member[2].name: “helen-marchbanks” is already the id of Helen Marchbanks. "
         'Take one out; or, if they are two people, give each an id = "…".'),
        ("[[source]]", '[[member]]\nname = "A B"\naccounts = [{ network = "bluesky", handle = "b.example", '
         'id = "did:plc:marchbanks" }]\n[[source]]',
         "20: member[2].accounts[1].id: “did:plc:marchbanks” is already the id of an account of Helen Marchbanks. "
         "Copy it anew."),
        ('"marchbanks.example"', '"https://bsky.app/profile/x"',
         "17: member[1].accounts[1].handle: “https://bsky.app/profile/x” is an address, not a handle. "
         "Write only the name at its end."),
        ('kind = "bluesky"', 'kind = "bluesky"\nurl = "wss://a.example"\n[[source]]\nkind = "bluesky"',
         "21: source[2].name: “bluesky” is already the name of another source. "
         'Give each its own name = "…".'),
        ("wss://jetstream", "wss://clerk:pass@jetstream", "20: source[1].url: holds a user name or password. "
         "Secrets do not belong in the meeting file: take it out."),
        ('name = "Saltmarsh Town Council"', 'name = "Saltmarsh\\u202e Council"',
         "7: council.name: holds an invisible character (right-to-left override): “Saltmarsh� Council”. "
         "Delete it: this is shown on one line."),
        ('title = "Budget"', 'title = "Bud\\nget"', "13: item[1].title: holds a line break: “Bud�get”. "
         "Delete it: this is shown on one line."),
        ('title = "Full Council"', f'title = "{"x" * 301}"',
         "3: meeting.title: is 301 characters long; 300 is the most."),
        ("title = \"Budget\"", "title = Budget", "13:9: this value cannot be read. The line: “title = Budget”. "
         'Text stands in straight quotes: "like this".'),
        ("title = \"Budget\"", "title = “Budget”", "13:9: this value cannot be read. The line: “title = “Budget””. "
         'Text stands in straight quotes: "like this".'),
        ("title = \"Budget\"", "title = \"Budget\"\ntitle = \"Again\"", "14:16: the same key stands twice in this "
         "table. The line: “title = \"Again\"”. Keep one of them."),
        ("[council]", "[meeting]", "6:9: the table 'meeting' stands twice. The line: “[meeting]”. "
         "Keep one; or, for one of many, write it with two pairs of brackets each time."),
        ("2026-03-05T18", "2026-02-30T18", "9:10: there is no such date or time. "
         "The line: “starts = 2026-02-30T18:30:00”. A date and time: 2026-03-05T18:30:00."),
    ],
)  # fmt: skip
def test_each_mistake_says_what_is_wrong_and_the_mend(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert told(tmp_path, old, new) == [expected]


def test_a_report_that_cannot_be_used_is_a_mistake_of_its_item(tmp_path: Path) -> None:
    (tmp_path / "r.pdf").write_bytes(b"%PDF-1.7 ...")
    (tmp_path / "r.txt").write_bytes("Line one\nCaf\xe9".encode("latin-1"))
    (tmp_path / "r").mkdir()
    (tmp_path / "big.txt").write_bytes(b"word " * 300_000)
    old = 'report_text = "The precept rises by three per cent to mend the sea wall."'
    for name, words in {
        "r.pdf": "is a PDF. Save it as plain text (.txt) first.",
        "r.txt": ", line 2, is not in UTF-8 from this line on. Save it again as UTF-8",
        "r": "is a folder, not a file.",
        "big.txt": "is larger than 1 MB",
        "\\u0000": "holds an invisible character",
    }.items():
        (problem,) = told(tmp_path, old, f'report = "{name}"')
        assert problem.startswith("14: item[1].report: ")
        assert words in problem


def test_what_is_remarkable_does_not_stop_the_reading(tmp_path: Path) -> None:
    text = (
        SHORTEST.replace(', id = "did:plc:marchbanks"', "")
        .replace('"Helen Marchbanks"', '"Cllr Helen Marchbanks"')
        .replace('title = "Budget"', 'title = "Budget"\nclosed = true')
        .replace("wss://", "ws://")
        .replace("[[source]]", '[[member]]\nname = "Toby"\n[[member]]\nname = "Toby"\nid = "t"\n[[source]]')
        .replace("[window]", 'accounts = [{ network = "blusky", handle = "tc.example" }]\n[window]')
    )
    file = written(tmp_path / "m.toml", text)
    paper = read_meeting(file)
    assert [str(remark).removeprefix(f"{file}:") for remark in paper.remarks] == [
        "12: item[1]: item 4 is marked closed and has a report, which is treated as public. "
        "If it is the closed paper, take it out and use “feedmon seal”.",
        "15: item[1].closed: item 4 is marked closed without its reason. "
        'Add reason = "…" as the agenda cites it.',
        "18: member[1].name: “Cllr Helen Marchbanks” begins with a title. "
        "Write the name alone, or posts that name them are missed.",
        "20: member[2]: Toby has no account here, so none of their posts is known as theirs.",
        "23: member[3].name: two members are called Toby. "
        "Their ids tell them apart; posts that name them do not.",
        "22: member[3]: Toby has no account here, so none of their posts is known as theirs.",
        "8: council.accounts[1].network: no [[source]] follows “blusky”, so Saltmarsh Town Council's account there is "
        "not seen. Did you mean “bluesky”?",
        "19: member[1].accounts[1]: Cllr Helen Marchbanks's account marchbanks.example cannot be followed until its id "
        "is given. Open https://public.api.bsky.app/xrpc/com.atproto.identity.resolveHandle?handle=marchbanks.example "
        'and write what it shows as id = "did:plc:…".',
        "27: source[1].url: is not encrypted on its way. Use wss:// if the feed offers it.",
    ]  # fmt: skip
    assert paper.hindrances == ()


def test_a_meeting_with_nothing_to_follow_can_be_judged_by_but_not_followed(tmp_path: Path) -> None:
    text = SHORTEST.split("[[source]]")[0].replace('hashtags = ["#SaltmarshTC"]\n', "").replace("did:plc:", "did:plc:")
    file = written(tmp_path / "m.toml", text.replace(', id = "did:plc:marchbanks"', ""))
    assert load_meeting(file).items
    assert problems_of(lambda: load_meeting(file, to_follow=True)) == [
        f"{file}: names no feed, so nothing can be followed. Add a [[source]].",
        f"{file}: has neither a hashtag nor an account that can be followed. "
        'Add hashtags = ["#…"] to [meeting], or accounts to the members.',
    ]


def names(problems: list[str], path: KeyPath) -> bool:
    return any(f": {dotted(path)}" in problem for problem in problems)


@given(st.sampled_from(sorted(KEY_LINES)), st.sampled_from(["delete", "rename", "retype"]), st.data())
def test_spoiling_one_key_is_told_of_that_key_or_does_no_harm(
    spoilt: Path, number: int, how: str, data: st.DataObject
) -> None:
    lines = EXAMPLE.split("\n")
    key, value = lines[number].split(" = ", 1)
    path = KEY_LINES[number]
    if how == "delete":
        del lines[number]
    elif how == "rename":
        key = data.draw(st.sampled_from([key[:-1], key + "s", key.upper(), "zzz", "handle"]))
        lines[number] = f"{key or 'q'} = {value}"
        path = (*path[:-1], key or "q")
    else:
        lines[number] = f"{key} = {data.draw(st.sampled_from(RETYPED))}"
    written(spoilt, "\n".join(lines))
    try:
        load_meeting(spoilt)
    except BadInput as bad:
        assert names([str(problem) for problem in bad.problems], path), (path, bad.problems)  # noqa: PT017


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))))
def test_whatever_a_file_holds_it_is_a_meeting_or_bad_input(spoilt: Path, data: bytes) -> None:
    spoilt.write_bytes(data)
    with pytest.raises(BadInput):
        load_meeting(spoilt)


@given(st.data())
def test_tearing_a_file_anywhere_is_a_meeting_or_bad_input(spoilt: Path, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(EXAMPLE)))
    stop = data.draw(st.integers(start, len(EXAMPLE)))
    written(spoilt, EXAMPLE[:start] + data.draw(st.text("[]{}\"'=.,#\n\\ aé1-", max_size=6)) + EXAMPLE[stop:])
    try:
        load_meeting(spoilt)
    except BadInput as bad:
        assert all(str(spoilt) in problem.place for problem in bad.problems)  # noqa: PT017


@pytest.mark.parametrize(
    "text",
    ["a." * 200_000 + "a = 1", "a = " + "[" * 200_000, "a = " + "{ a = " * 50_000, f"a = {'9' * 50_000}",
     "\n".join(f"k{number} = 1" for number in range(20_000))],
    ids=["endless key", "deep lists", "deep tables", "long number", "many keys"],
)  # fmt: skip
def test_a_file_meant_to_choke_is_refused_at_once(tmp_path: Path, text: str) -> None:
    problems = problems_of(lambda: load_meeting(written(tmp_path / "m.toml", text)))
    assert len(problems) <= 51
