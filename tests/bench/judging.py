"""How long judging a post takes, beside better-profanity alone: ``python tests/bench/judging.py``.

Every post of the written corpus is judged by all three packs; the ratio to better-profanity's own check of the same
posts, in the same run, is the figure that means something.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from better_profanity import profanity
from quality import CORPUS, read_corpus

from feedmon.documents.bundled import pack_ids
from feedmon.documents.neutral import read_marks
from feedmon.documents.packs import example_judge, read_packs
from feedmon.model.timeline import Timeline

ROUNDS = 3


def main() -> None:
    """Print the medians and the ratio."""
    began = perf_counter()
    judge = example_judge(read_packs(pack_ids()))
    ready = perf_counter() - began
    timeline = Timeline(read_marks(Path(CORPUS / "marks.jsonl")))
    posts = [labelled.post for labelled in read_corpus(CORPUS / "open.jsonl")]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        began = perf_counter()
        for post in posts:
            judge.judge(post, timeline.moment(post.observed_at), post.observed_at)
        ours.append((perf_counter() - began) / len(posts))
        began = perf_counter()
        for post in posts[:60]:
            profanity.contains_profanity(post.text)
        theirs.append((perf_counter() - began) / 60)
    mine, other = sorted(ours)[ROUNDS // 2], sorted(theirs)[ROUNDS // 2]
    print(f"packs read and made ready in {ready:.2f} s")
    print(f"judging by {len(judge.rules)} rules: {mine * 1e6:,.0f} µs a post")
    print(f"better-profanity alone:  {other * 1e6:,.0f} µs a post, {other / mine:.0f} times as long")


if __name__ == "__main__":
    main()
