"""The line of every key in a TOML file, whatever dress the key wears."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from feedmon.documents.toml_lines import TomlLines
from feedmon.documents.wording import KeyPath

AWKWARD = '''\
top = 1 # [not.a.table]
"quoted key" = "[[no]] # still text"
dotted.key.'with spaces' = { inner = [1, { deep = true }], "x.y" = 'lit # eral' }

[table] # comment with " quote
text = """
[fake]
key = "value" # no
""" # after
list = [
  "one", # first
  [ "two",
    "three" ], { four = 4 },
]
[[many]]
a = \'\'\'
[[many]]\'\'\'
[many.sub]
b = 2026-03-05T18:30:00.5Z
[[many]]
[[many.inner]]
c = 1.5e3
[[many.inner]]
d = "\\"=["
'''
LINES: dict[KeyPath, int] = {
    ("top",): 1,
    ("quoted key",): 2,
    ("dotted", "key", "with spaces"): 3,
    ("dotted", "key", "with spaces", "inner", 1, "deep"): 3,
    ("dotted", "key", "with spaces", "x.y"): 3,
    ("table",): 5,
    ("table", "text"): 6,
    ("table", "list"): 10,
    ("table", "list", 0): 11,
    ("table", "list", 1, 1): 13,
    ("table", "list", 2, "four"): 13,
    ("many",): 15,
    ("many", 0, "a"): 16,
    ("many", 0, "sub", "b"): 19,
    ("many", 1): 20,
    ("many", 1, "inner", 0, "c"): 22,
    ("many", 1, "inner", 1, "d"): 24,
    ("many", 1, "inner", 1, "missing"): 23,
    ("table", "missing", 3): 5,
}


def test_keys_are_found_in_tables_lists_and_texts_of_every_kind() -> None:
    tomllib.loads(AWKWARD)
    lines = TomlLines(AWKWARD)
    assert {path: lines.line_of(path) for path in LINES} == LINES
    assert lines.line_of(("nowhere",)) is None


keys = st.text("abc-_1", min_size=1, max_size=3)
scalars = st.sampled_from(["1", "true", '"a # ] ="', "'x'", "2026-03-05", "-1.5", '"""two\nlines"""', '"é"'])
gaps = st.sampled_from(["", "\n", "# note [x] = {\n", "\n  # b\n"])


@given(st.dictionaries(keys, st.dictionaries(keys, st.lists(scalars, max_size=3), max_size=4), max_size=4), st.data())
def test_every_value_written_is_found_on_its_line(tables: dict[str, dict[str, list[str]]], data: st.DataObject) -> None:
    text, expected = "", {}
    for table, pairs in tables.items():
        text += data.draw(gaps)
        expected[(table,)] = text.count("\n") + 1
        text += f"[{table}]\n"
        for key, values in pairs.items():
            text += data.draw(gaps)
            expected[(table, key)] = text.count("\n") + 1
            text += f"{key} = ["
            for index, value in enumerate(values):
                text += data.draw(gaps)
                expected[(table, key, index)] = text.count("\n") + 1
                text += f"{value},"
            text += "]\n"
    tomllib.loads(text)
    lines = TomlLines(text)
    assert {path: lines.line_of(path) for path in expected} == expected
