"""A present member's post, in open session, that is about something else (Ventnor 5.1).

It speaks only when clear: a post is off topic when its own words belong to another subject (football, holidays,
television…) and hardly any belong to tonight's papers, people or place. That it merely shares no word with the agenda
proves nothing: one innocent post in ten does not. Thanks, small talk, replies and breaks are never off topic.
"""

from __future__ import annotations

import msgspec

from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.phrasebook import Hit
from feedmon.judgement.stems import STOPWORDS, stem
from feedmon.judgement.text import TokenKind
from feedmon.model.flags import Basis
from feedmon.model.timeline import Phase


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lexicons: ``elsewhere`` (other subjects, a group each), ``small_talk``, ``council_words`` (meetings' own words).

    ``least_elsewhere`` is how much weight of one other subject is clear; ``most_shared`` how many of the post's
    words, beside those, may be tonight's.
    """

    elsewhere: str = "elsewhere"
    small_talk: str = "small_talk"
    council_words: str = "council_words"
    least_elsewhere: float = 1.0
    most_shared: int = 1


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag a post whose words are another subject's and not tonight's."""
    post, moment = case.post, case.moment
    if not trail.holds(
        "the meeting was sitting in public", moment.phase is Phase.IN_SESSION and not moment.public_excluded
    ):
        return None
    if not trail.holds("it starts a subject of its own (no reply, no repost)", not (post.reply_to or post.repost_of)):
        return None
    small = case.hits.of(parameters.small_talk)
    if not trail.holds(
        "it is not thanks, condolence, travel or small talk", not small, ", ".join(h.phrase for h in small)
    ):
        return None
    subjects: dict[str, list[Hit]] = {}
    for hit in case.hits.of(parameters.elsewhere):
        if not _is_tonights(case, hit):
            subjects.setdefault(hit.sense.label, []).append(hit)
    weights = {label: _weight(hits) for label, hits in subjects.items()}
    subject = max(weights, key=lambda label: weights[label], default=None)
    weight = weights[subject] if subject is not None else 0.0
    found = ", ".join(hit.phrase for hit in subjects[subject]) if subject is not None else ""
    if subject is None or not trail.holds(
        f"its words clearly belong to another subject (weight {parameters.least_elsewhere})",
        weight >= parameters.least_elsewhere,
        f"{subject}: {found} (weight {weight:.1f})",
    ):
        if subject is None:
            trail.holds("its words clearly belong to another subject", False, "none do: feedmon abstains")
        return None
    shared = _shared_with_tonight(case, parameters.council_words, subjects[subject])
    allowed = parameters.most_shared + (1 if weight >= 2 * parameters.least_elsewhere else 0)
    if not trail.holds(
        f"at most {allowed} of its other words are tonight's", len(shared) <= allowed, ", ".join(sorted(shared))
    ):
        return None
    return Finding(
        basis=Basis.READING,
        score=round(min(1.0, 0.5 + 0.2 * weight - 0.1 * len(shared)), 2),
        reason=f"Reads as about {subject} ({found}), not about any item tonight.",
        spans=tuple(sorted({case.hits.span(hit) for hit in subjects[subject]})),
    )


def _weight(hits: list[Hit]) -> float:
    """The weight of one subject: each different phrase once."""
    return sum({hit.phrase: hit.sense.strength for hit in hits}.values())


def _is_tonights(case: Case, hit: Hit) -> bool:
    """Whether a phrase of another subject is tonight's own: all its content words are in the papers."""
    stems = {
        stem(token.text)
        for token in case.reading.tokens[hit.first : hit.last + 1]
        if token.kind is TokenKind.WORD and token.text not in STOPWORDS
    }
    return bool(stems) and stems <= case.room.meeting_stems


def _shared_with_tonight(case: Case, council_words: str, elsewhere: list[Hit]) -> set[str]:
    used = {index for hit in elsewhere for index in range(hit.first, hit.last + 1)}
    tonight = case.room.meeting_stems | case.room.words(council_words)
    return {
        token.text
        for index, token in enumerate(case.reading.tokens)
        if index not in used
        and token.kind is TokenKind.WORD
        and not token.hashtag
        and token.text not in STOPWORDS
        and len(token.text) > 2
        and stem(token.text) in tonight
    }
