"""How well the rules do on posts nobody tuned them on: ``python tests/bench/quality.py [--file FILE] [--pack PACK]``.

The posts are a written corpus (``tests/corpus``), set in the example meeting. For each kind of rule: how many of the
posts that must be flagged are (recall), how many flags are right (precision), each with a 95 % Wilson interval; and
the false flags per 100 lawful posts. Beside them, better-profanity alone on the same posts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from math import sqrt
from pathlib import Path

import msgspec
from better_profanity import profanity

from feedmon.documents.neutral import read_marks, read_posts
from feedmon.documents.packs import example_judge, load_packs, read_packs
from feedmon.judgement.judge import Judge
from feedmon.model.flags import Flag, Severity
from feedmon.model.posts import Post
from feedmon.model.timeline import Timeline

CORPUS = Path(__file__).parent.parent / "corpus"


class Labelled(msgspec.Struct, frozen=True):
    """A post and the kinds it must be flagged for. A flag of an ``arguable`` kind is neither right nor wrong."""

    post: Post
    kinds: frozenset[str]
    arguable: frozenset[str]
    sort: str


class Outcome(msgspec.Struct, frozen=True):
    """A labelled post with the flags it got (info aside, which interrupts nobody)."""

    labelled: Labelled
    flags: tuple[Flag, ...]

    @property
    def raised(self) -> frozenset[str]:
        return frozenset(flag.kind for flag in self.flags)


def wilson(hits: int, of: int) -> str:
    """A share with its 95 % interval, in per cent."""
    if not of:
        return "   –"
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return f"{100 * share:3.0f} % ({100 * max(0.0, middle - spread):.0f}–{100 * min(1.0, middle + spread):.0f})"


def read_corpus(path: Path) -> list[Labelled]:
    """The labelled posts of a corpus file."""
    entries = [msgspec.json.decode(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with tempfile.NamedTemporaryFile("wb", suffix=".jsonl") as posts:
        posts.write(b"\n".join(msgspec.json.encode(entry["post"]) for entry in entries))
        posts.flush()
        read = list(read_posts(Path(posts.name)))
    return [
        Labelled(
            post,
            frozenset(label["kind"] for label in entry["labels"]),
            frozenset(entry.get("arguable", ())),
            entry["sort"],
        )
        for post, entry in zip(read, entries, strict=True)
    ]


def judged(posts: list[Labelled], judge: Judge, timeline: Timeline) -> list[Outcome]:
    """Every post judged in the moment it was observed."""
    outcomes = []
    for labelled in posts:
        post = labelled.post
        result = judge.judge(post, timeline.moment(post.observed_at), post.observed_at)
        outcomes.append(Outcome(labelled, tuple(flag for flag in result.flags if flag.severity is not Severity.INFO)))
    return outcomes


def report(outcomes: list[Outcome], kinds: list[str], examples: int) -> str:
    """The figures, and the posts behind the worst of them."""
    lines = [f"{'kind':<22} {'must':>5} {'recall':>18} {'flags':>6} {'precision':>18}"]
    for kind in kinds:
        must = [o for o in outcomes if kind in o.labelled.kinds]
        caught = sum(kind in o.raised for o in must)
        raised = [o for o in outcomes if kind in o.raised]
        raised = [o for o in raised if kind not in o.labelled.arguable]
        right = sum(kind in o.labelled.kinds for o in raised)
        recall, precision = wilson(caught, len(must)), wilson(right, len(raised))
        lines.append(f"{kind:<22} {len(must):>5} {recall:>18} {len(raised):>6} {precision:>18}")
    lawful = [o for o in outcomes if not o.labelled.kinds]
    any_false = sum(bool(o.flags) for o in lawful)
    warned = sum(any(flag.severity.rank >= Severity.WARNING.rank for flag in o.flags) for o in lawful)
    plain = sum(profanity.contains_profanity(o.labelled.post.text) for o in lawful)
    lines += [
        "",
        f"of {len(lawful)} lawful posts flagged: {wilson(any_false, len(lawful))}",
        f"    at warning or above: {wilson(warned, len(lawful))}",
        f"    by better-profanity alone: {wilson(plain, len(lawful))}",
        "",
        "False alarms:",
    ]
    wrong = [(o, flag) for o in outcomes for flag in o.flags if flag.kind not in o.labelled.kinds | o.labelled.arguable]
    lines += [
        f"  [{f.kind} {f.severity.value}] {o.labelled.sort}: {o.labelled.post.text[:150]!r} — {f.reason}"
        for o, f in wrong[:examples]
    ]
    lines.append("Missed:")
    missed = [(o, kind) for o in outcomes for kind in sorted(o.labelled.kinds & set(kinds)) if kind not in o.raised]
    lines += [f"  [{kind}] {o.labelled.sort}: {o.labelled.post.text[:150]!r}" for o, kind in missed[:examples]]
    return "\n".join(lines)


def main() -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=CORPUS / "open.jsonl")
    parser.add_argument("--pack", action="append", help="packs to judge by (default: all three)")
    parser.add_argument("--examples", type=int, default=10, help="how many false alarms and misses to print")
    parser.add_argument("--untested", action="store_true", help="judge even when a pack's own examples do not hold")
    arguments = parser.parse_args()
    packs = (read_packs if arguments.untested else load_packs)(arguments.pack or ["ventnor", "neddc", "dover"])
    judge = example_judge(packs)
    timeline = Timeline(read_marks(CORPUS / "marks.jsonl"))
    outcomes = judged(read_corpus(arguments.file), judge, timeline)
    kinds = sorted({rule.kind for pack in packs for rule in pack.rules})
    counts = Counter(o.labelled.sort for o in outcomes)
    print(f"{arguments.file.name}: {len(outcomes)} posts, {len(counts)} sorts\n")
    print(report(outcomes, kinds, arguments.examples))
    return 0


if __name__ == "__main__":
    sys.exit(main())
