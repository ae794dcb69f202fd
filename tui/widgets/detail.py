"""One flag, whole: the post beside the clause it may touch, the moment it was judged by, why, and what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.content import Content

from feedmon.wire import Basis, Decision, DecisionKind, FlagState, FlagView, Post, RuleInForce, Step
from tui import words
from tui.model.desk import Desk
from tui.signs import CLEARED, DELETED, SEVERITY, Sign, state_sign
from tui.text import line, whole
from tui.widgets.still import Still

_EMPTY = Content.styled(
    "Nothing is selected.\n\nThe flag under the cursor is shown here: the post, the clause it may touch, the moment it "
    "was judged by, and why. A flag is only ever a suggestion; what becomes of it is yours to say.",
    "$quiet",
)


class Detail(VerticalScroll):
    """Shows one flag. The post and the clause stand side by side where there is room."""

    def compose(self) -> ComposeResult:
        yield Still(id="what")
        with Container(id="pair"):
            yield Still(id="post")
            yield Still(id="clause")
        yield Still(id="why")

    def show(self, view: FlagView | None, desk: Desk, zone: tzinfo) -> None:
        """Draw this flag, or say what will be here."""
        self.query_one("#pair").display = view is not None
        if view is None:
            self.query_one("#what", Still).put(_EMPTY)
            self.query_one("#why", Still).put(Content())
            return
        state, rule = desk.state(view.flag.id), desk.rules.get(view.flag.rule)
        self.query_one("#what", Still).put(_what(view, state))
        self.query_one("#post", Still).put(_post(view, desk, zone))
        self.query_one("#clause", Still).put(_clause(view, rule))
        self.query_one("#why", Still).put(_why(view, rule, desk, zone))


def _what(view: FlagView, state: FlagState) -> Content:
    flag, sign = view.flag, SEVERITY[view.flag.severity]
    lines = [
        Content.assemble(sign.content, Content.styled(f"   {words.standing(flag)}", "bold")),
        Content.assemble((line(flag.title, 120), "bold"), f"\n{_sentence(flag.reason)}"),
    ]
    if state is not FlagState.NEW:
        lines.insert(0, state_sign(view, state).content)
    if view.cleared is not None:
        lines.insert(0, Content.styled(f"{CLEARED.glyph} no longer raised. {_sentence(view.cleared)}", "$sev-notice"))
    return Content("\n").join(lines)


def _sentence(text: str) -> str:
    """A sentence of the service's, which may quote a post."""
    return words.first_up(line(text, 600))


def _post(view: FlagView, desk: Desk, zone: tzinfo) -> Content:
    post = view.post
    name = words.author(post, desk.meeting, view.flag.member)
    handle = f"@{line(post.author.handle, 50)} on {line(post.network, 20)}"
    head = [
        Content.styled(name, "bold"),
        Content.styled(f"{handle}, {words.second(post.observed_at, zone)}", "$quiet"),
    ]
    if view.deleted_at is not None:
        head.append(
            Content.styled(f"{DELETED.glyph} {DELETED.word} at {words.second(view.deleted_at, zone)}", DELETED.style)
        )
    if view.edited_at is not None:
        edited = f"edited at {words.second(view.edited_at, zone)}; the newer version is judged by itself"
        head.append(Content.styled(edited, "$sev-notice"))
    body = whole(post.text, view.flag.spans) if post.text else Content.styled("(no text)", "$quiet")
    around = [Content.styled(note, "$quiet") for note in _around(post)]
    return Content("\n").join([*head, Content(), body, *([Content(), *around] if around else [])])


def _around(post: Post) -> Iterable[str]:
    """What hangs on a post besides its text."""
    for media in post.media:
        yield f"{words.MEDIA[media.kind]}{f': “{line(media.alt, 120)}”' if media.alt else ''}"
    for what, target in (("replies to", post.reply_to), ("quotes", post.quote), ("reposts", post.repost_of)):
        if target is not None:
            yield f"{what} {line(f'@{target.handle}' if target.handle else target.post or 'another post', 80)}"
    if post.mentions:
        yield "mentions " + ", ".join(
            line(f"@{m.handle}" if m.handle else m.id or "someone", 40) for m in post.mentions[:8]
        )
    for link in post.links[:4]:
        yield f"link: {line(link, 120)}"


def _clause(view: FlagView, rule: RuleInForce | None) -> Content:
    flag = view.flag
    title = Content.styled(words.first_up(words.clauses(flag.clauses)), "bold")
    if rule is None:
        return Content.assemble(title, "\n", ("The service did not tell this rule's clause.", "$quiet"))
    own = [
        (number, line(text, 600))
        for number, text in rule.clauses.items()
        if number in flag.clauses or len(rule.clauses) == 1
    ]
    council = Content.styled(line(rule.council, 80), "$quiet")
    texts: list[Content] = []
    for number, text in own or [("", "")]:
        numbered = Content.styled(f"{number}  ", "bold") if len(own) > 1 else Content()
        texts.append(Content.assemble(numbered, text or line(rule.paraphrase, 600)))
    return Content("\n").join([title, council, Content(), *texts])


def _why(view: FlagView, rule: RuleInForce | None, desk: Desk, zone: tzinfo) -> Content:
    flag = view.flag
    sections = [
        _section("Judged by the moment", [Content(words.moment(flag.moment, desk.meeting, zone))]),
        _section("Rests on", [_basis(view)]),
    ]
    if matched := _matched(view):
        sections.append(_section("Matched words", matched))
    if flag.steps:
        sections.append(_section("Why, step by step", [_step(step) for step in flag.steps]))
    if flag.passes_if:
        sections.append(_section("It would have passed if", [Content(_sentence(flag.passes_if))]))
    if rule is not None and rule.false_alarms:
        sections.append(
            _section("Known to fool this rule", [Content(f"· {line(text, 300)}") for text in rule.false_alarms])
        )
    sections.append(_section("Decisions", _decisions(view, desk, zone)))
    sections.append(Content.styled(words.provenance(rule, flag, view.post), "$quiet"))
    return Content("\n\n").join(sections)


def _section(title: str, lines: Sequence[Content]) -> Content:
    return Content.assemble((title, "$primary"), "\n", Content("\n").join(lines))


def _basis(view: FlagView) -> Content:
    text = words.first_up(words.basis(view.flag))
    return Content(
        f"{text}." if view.flag.basis is Basis.FACT else f"{text}; a reading alone never goes above warning."
    )


def _matched(view: FlagView) -> list[Content]:
    text = view.post.text
    return [
        Content(f"“{line(text[span.start : span.end], 60)}” {line(span.label, 80)}".rstrip())
        for span in view.flag.spans
        if 0 <= span.start < span.end <= len(text)
    ]


_HELD = Sign("✓", "held", "$good")
_FAILED = Sign("✕", "did not hold", "$quiet")


def _step(step: Step) -> Content:
    sign = _HELD if step.held else _FAILED
    detail = f": {line(step.detail, 200)}" if step.detail else ""
    return Content.assemble((sign.glyph, sign.style), f" {line(step.condition, 200)}", (detail, "$quiet"))


def _decisions(view: FlagView, desk: Desk, zone: tzinfo) -> list[Content]:
    if not view.decisions:
        return [Content.styled("None yet.", "$quiet")]
    lines = [_decision(made, view, desk, zone) for made in view.decisions]
    if any(made.kind is DecisionKind.TELL_CHAIR for made in view.decisions):
        seen = view.seen_by_chair_at
        lines.append(
            Content.styled(f"✓ seen by the chair at {words.second(seen, zone)}", "$good")
            if seen
            else Content.styled("… not yet seen by the chair", "$sev-notice")
        )
    return lines


def _decision(made: Decision, view: FlagView, desk: Desk, zone: tzinfo) -> Content:
    said = words.decision(made)
    if made.kind is DecisionKind.UNDO:
        undone = next((other for other in view.decisions if other.id == made.undoes), None)
        said = f"{said}: {words.decision(undone).lower()}" if undone else said
    waiting = " … sending" if desk.is_pending(made.id) else ""
    quoted = f"\n  “{line(made.words, 300)}”" if made.words else ""
    return Content.assemble(
        (words.second(made.at, zone), "$quiet"),
        f"  {said}, by {line(made.by, 40)}",
        (waiting, "$sev-notice"),
        quoted,
    )
