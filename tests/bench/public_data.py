"""How the rules that read text do on material other people labelled: ``python tests/bench/public_data.py FOLDER``.

The folder holds what others published, each set under its own name; none of it is part of feedmon:

* ``meetings_limerick_2014_22.jsonl.gz`` (a council's minutes): ordinary language, which no text rule should flag;
* ``offensive_tweets_davidson.jsonl.gz`` (MIT), ``sexism_edos_train.jsonl.gz`` (CC0): abusive and other posts;
* ``sarcasm_isarcasm_train.jsonl.gz`` (MIT): sarcasm, most of it harmless.

Every text is judged as if a member had posted it, abusive sets in answer to another member, in open session. These
sets are American, ask other questions than a council's policy does, and confuse dialect with offence: read the rates
beside each other, not as marks out of a hundred.
"""

from __future__ import annotations

import argparse
import gzip
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec
from better_profanity import profanity

from feedmon.documents.bundled import pack_ids
from feedmon.documents.packs import example_judge, read_packs
from feedmon.judgement.examples import stage
from feedmon.judgement.judge import Judge
from feedmon.judgement.packs import As, Example
from feedmon.model.flags import Severity

MOST = 2_500
ABUSE = frozenset({"personal_attack", "protected_abuse", "threat", "profanity", "offensive_content"})


def lines(folder: Path, name: str) -> Iterator[dict]:
    """The objects in one set; nothing when it is not there."""
    path = folder / f"{name}.jsonl.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from (msgspec.json.decode(line) for line in file)


def flagged(judge: Judge, texts: Iterable[str], reply_to: As | None) -> tuple[int, Counter[str], list[frozenset[str]]]:
    """How many texts there were, how many each kind flagged (info aside), and the kinds of each text."""
    staged = stage(Example(text="x", reply_to=reply_to), judge.meeting)
    moment, counts, each = staged.timeline.moment(staged.post.observed_at), Counter[str](), []
    for text in texts:
        post = msgspec.structs.replace(staged.post, text=text)
        flags = judge.judge(post, moment, post.observed_at).flags
        kinds = frozenset(flag.kind for flag in flags if flag.severity is not Severity.INFO)
        counts.update(kinds)
        each.append(kinds)
    return len(each), counts, each


def shown(name: str, total: int, counts: Counter[str], each: list[frozenset[str]]) -> str:
    """One line: how many of the texts had any flag, any of abuse, and which kinds."""
    if not total:
        return f"{name}: not there"
    any_flag, abuse = sum(map(bool, each)), sum(bool(kinds & ABUSE) for kinds in each)
    detail = ", ".join(f"{kind} {count}" for kind, count in counts.most_common(6))
    rates = f"flagged {100 * any_flag / total:.1f} %, for abuse {100 * abuse / total:.1f} %"
    return f"{name}: {total} texts, {rates}  ({detail})"


def main() -> None:
    """Print a line for each set and class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    judge = example_judge(read_packs(pack_ids()))
    minutes = [
        sentence
        for meeting in lines(folder, "meetings_limerick_2014_22")
        for item in meeting["items"]
        for sentence in item["sentences"]
    ]
    print(shown("council minutes", *flagged(judge, minutes[:MOST], None)))
    for name, label in (
        ("offensive_tweets_davidson", "label"),
        ("sexism_edos_train", "category"),
        ("sarcasm_isarcasm_train", "sarcastic"),
    ):
        classes: dict[str, list[str]] = {}
        for row in islice(lines(folder, name), 4 * MOST):
            classes.setdefault(str(row[label]), []).append(str(row["text"]))
        for value, texts in sorted(classes.items()):
            print(shown(f"{name}, {label} {value}", *flagged(judge, texts[:MOST], As.OTHER_MEMBER)))
            sample = texts[:150]
            plain = sum(profanity.contains_profanity(each) for each in sample)
            print(f"    better-profanity alone, first {len(sample)}: {100 * plain / max(1, len(sample)):.0f} %")


if __name__ == "__main__":
    main()
