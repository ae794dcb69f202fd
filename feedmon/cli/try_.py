"""``feedmon try``: what would be flagged, and why or why not, for one post made up on the spot."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from feedmon.documents.bundled import pack_ids
from feedmon.documents.files import shown
from feedmon.documents.meeting_file import load_meeting
from feedmon.documents.packs import example_judge, read_packs
from feedmon.documents.seals import load_seals
from feedmon.judgement.examples import judged
from feedmon.judgement.judge import Judge, Judged, Tried
from feedmon.judgement.packs import As, During, Example, Pack
from feedmon.model.flags import Flag, Step
from feedmon.model.posts import MediaKind
from feedmon.model.problems import BadInput, Problem


class TriedRule(msgspec.Struct, frozen=True):
    """One rule's answer, for ``--json``."""

    rule: str
    kind: str
    clauses: tuple[str, ...]
    flag: Flag | None
    steps: tuple[Step, ...]


@click.command("try")
@click.argument("text")
@click.option("--pack", "packs", multiple=True, help="The pack to judge by; may be given again. [default: ventnor]")
@click.option("--as", "author", type=click.Choice([part.value for part in As if part is not As.OFFICER]),
              default="member", show_default=True, help="Who posts.")  # fmt: skip
@click.option("--during", type=click.Choice([state.value for state in During]), default="open", show_default=True,
              help="What the room is doing.")  # fmt: skip
@click.option("--item", help="The agenda item being taken.")
@click.option("--minutes", type=float, default=3.0, show_default=True, help="How long that has lasted.")
@click.option("--reply-to", type=click.Choice([part.value for part in As]), help="Whom the post answers.")
@click.option("--quote", type=click.Choice([part.value for part in As]), help="Whose post it quotes.")
@click.option("--repost-of", type=click.Choice([part.value for part in As]), help="Whose post it repeats.")
@click.option("--mention", "mentions", multiple=True, type=click.Choice([part.value for part in As]))
@click.option("--media", multiple=True, type=click.Choice([kind.value for kind in MediaKind]))
@click.option("--alt", default="", help="The description of the media.")
@click.option("--meeting", "meeting_file", type=click.Path(path_type=Path), help="Your meeting, not the example one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs.")
def try_(
    text: str,
    packs: tuple[str, ...],
    author: str,
    during: str,
    item: str | None,
    minutes: float,
    reply_to: str | None,
    quote: str | None,
    repost_of: str | None,
    mentions: tuple[str, ...],
    media: tuple[str, ...],
    alt: str,
    meeting_file: Path | None,
    as_json: bool,
) -> None:
    """Explain what TEXT would be flagged for, and for near-misses why not.

    The post is put into the example meeting (see rules/example_meeting) unless --meeting names yours.
    """
    judge = _judge(packs, meeting_file)
    if item is not None and judge.meeting.item(item) is None:
        numbers = ", ".join(each.number for each in judge.meeting.items)
        raise BadInput(Problem("--item", f"the agenda has no item “{item}”.", f"Its items: {numbers}."))
    example = Example(
        text=text,
        author=As(author),
        during=During(during),
        item=item,
        minutes=minutes,
        reply_to=As(reply_to) if reply_to else None,
        quote=As(quote) if quote else None,
        repost_of=As(repost_of) if repost_of else None,
        mentions=tuple(As(part) for part in mentions),
        media=tuple(MediaKind(kind) for kind in media),
        alt=alt,
    )
    try:
        result = judged(example, judge, judge.rules)
    except ValueError as error:
        raise BadInput(Problem("the meeting", f"{error}.")) from None
    if as_json:
        answers = [TriedRule(t.rule.id, t.rule.kind, t.rule.clauses, t.flag, t.steps) for t in result.tried]
        click.echo(msgspec.json.encode({"flags": result.flags, "tried": answers}).decode())
    else:
        click.echo("\n".join(explained(result, judge.packs, text)))


def _judge(packs: tuple[str, ...], meeting_file: Path | None) -> Judge:
    # the packs' own examples are not tried first: this is where one finds out why they do not hold
    if meeting_file is None:
        chosen = packs or ("ventnor",)
        loaded = read_packs(pack_ids() if chosen == ("all",) else chosen)
        return example_judge(loaded)
    meeting = load_meeting(meeting_file)
    seals, key = load_seals(meeting_file)
    return Judge(meeting, read_packs(packs or meeting.packs), seals, key)


def explained(result: Judged, packs: tuple[Pack, ...], text: str) -> list[str]:
    """The whole reasoning as lines: flags first, then near-misses, then rules that had nothing to look at."""
    by_id = {pack.id: pack for pack in packs}
    flagged = [tried for tried in result.tried if tried.flag is not None]
    near = [tried for tried in result.tried if tried.flag is None and _got_going(tried)]
    rest = [tried for tried in result.tried if tried.flag is None and not _got_going(tried)]
    lines: list[str] = []
    for tried in flagged:
        lines += [*_tree(tried, by_id[tried.rule.pack], text), ""]
    if not flagged:
        lines += ["Nothing would be flagged.", ""]
    if near:
        lines.append("Came near:")
        for tried in near:
            lines += [f"  {line}" for line in _tree(tried, by_id[tried.rule.pack], text)]
        lines.append("")
    if rest:
        lines.append("Had nothing to look at:")
        lines += [f"  {tried.rule.id} — {_why_not(tried)}" for tried in rest]
    return lines


def _got_going(tried: Tried) -> bool:
    """Whether the rule's own conditions, beyond whom it binds and when it applies, held at least once."""
    return sum(step.held for step in tried.steps) > _gates(tried)


def _gates(tried: Tried) -> int:
    return 1 + sum(value is not None for value in msgspec.structs.astuple(tried.rule.when))


def _tree(tried: Tried, pack: Pack, text: str) -> list[str]:
    rule, flag = tried.rule, tried.flag
    clauses = ", ".join(rule.clauses)
    if flag is None:
        lines = [f"{rule.id}: not flagged"]
    else:
        lines = [
            f"{flag.severity.value.upper()}  {rule.title}",
            f"  possible, {pack.council} policy clause {clauses}, for review  [{rule.id}]",
            f"  {flag.reason}",
        ]
        if flag.spans:
            lines.append("  matched: " + "; ".join(f"“{shown(text[span.start : span.end])}”" for span in flag.spans))
        lines.append(f"  basis: {flag.basis.value}, score {flag.score:.2f}")
    lines += [f"  {'✓' if step.held else '✗'} {step.condition}{_detail(step)}" for step in tried.steps]
    if flag is not None:
        lines.append(f"  It would pass if: {rule.passes_if}")
        lines += [f"  Known to fool it: {known}" for known in rule.false_alarms]
    return lines


def _detail(step: Step) -> str:
    return f" — {step.detail}" if step.detail else ""


def _why_not(tried: Tried) -> str:
    failed = next((step for step in tried.steps if not step.held), None)
    return f"not so: {failed.condition}{_detail(failed)}" if failed is not None else "no condition failed"
