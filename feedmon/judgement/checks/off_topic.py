"""A present member's post, in open session, that is about something else (Ventnor 5.1).

It speaks only when clear: a post is off topic when its own words belong to another subject (football, holidays,
television…) and hardly any belong to tonight's papers, people or place. That it merely shares no word with the agenda
proves nothing: one innocent post in ten does not. Thanks, small talk, replies and breaks are never off topic.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from feedmon.judgement.aim import addressee
from feedmon.judgement.case import Case, Finding, Trail
from feedmon.judgement.phrasebook import Hit
from feedmon.judgement.stems import STOPWORDS, stem
from feedmon.judgement.text import TokenKind, accent_free
from feedmon.model.flags import Basis
from feedmon.model.timeline import Phase


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lexicons: ``elsewhere`` (other subjects, a group each), ``small_talk``, ``council_words`` (meetings' own words).

    Words of other subjects must weigh at least ``least_elsewhere``, and ``per_tie`` more for each tie to tonight: a
    word of its papers or of meetings, its hashtag, whom it speaks to. With no tie at all, and ``enough_words`` to go
    by, half of it will do.
    """

    elsewhere: str = "elsewhere"
    small_talk: str = "small_talk"
    council_words: str = "council_words"
    least_elsewhere: float = 1.0
    per_tie: float = 0.5
    enough_words: int = 5


def check(case: Case, parameters: Parameters, trail: Trail) -> Finding | None:
    """Flag a post whose words are another subject's and not tonight's."""
    post, moment = case.post, case.moment
    sitting = moment.phase is Phase.IN_SESSION and not moment.public_excluded
    if not trail.holds("the meeting was sitting in public", sitting):
        return None
    if not trail.holds("it starts a subject of its own (no reply, no repost)", not (post.reply_to or post.repost_of)):
        return None
    small = case.hits.of(parameters.small_talk)
    if not trail.holds("it is not thanks, condolence, travel or small talk", not small, case.said(*small)):
        return None
    elsewhere = [hit for hit in case.hits.of(parameters.elsewhere) if not _is_tonights(case, hit)]
    if not trail.holds("it has words of another subject (else feedmon abstains)", elsewhere, case.said(*elsewhere)):
        return None
    ties = _ties(case, parameters.council_words, elsewhere)
    weight, needed = _weight(elsewhere), parameters.least_elsewhere + parameters.per_tie * len(ties)
    if not ties and _words_to_go_by(case) >= parameters.enough_words:
        needed = parameters.least_elsewhere / 2
    scales = f"they weigh {weight:.1f} of {needed:.1f} needed; ties to tonight: {', '.join(sorted(ties)) or 'none'}"
    if not trail.holds("its words clearly belong to another subject", weight >= needed, scales):
        return None
    subjects = sorted({hit.sense.label for hit in elsewhere}, key=lambda label: -_weight(elsewhere, label))
    return Finding(
        basis=Basis.READING,
        score=round(max(0.3, min(1.0, 0.5 + 0.2 * weight - 0.1 * len(ties))), 2),
        reason=f"Reads as about {subjects[0]} ({case.said(*elsewhere)}), not about any item tonight.",
        spans=tuple(sorted({case.hits.span(hit) for hit in elsewhere})),
    )


def _weight(hits: Sequence[Hit], subject: str | None = None) -> float:
    """What the words of other subjects (or of one of them) weigh: each different phrase once."""
    chosen = (hit for hit in hits if subject is None or hit.sense.label == subject)
    return sum({hit.phrase: hit.sense.strength for hit in chosen}.values())


def _is_tonights(case: Case, hit: Hit) -> bool:
    """Whether a phrase of another subject is tonight's own: all its content words are in the papers."""
    stems = {
        stem(token.text)
        for token in case.reading.tokens[hit.first : hit.last + 1]
        if token.kind is TokenKind.WORD and token.text not in STOPWORDS
    }
    return bool(stems) and stems <= case.room.meeting_stems


def _content_words(case: Case) -> set[str]:
    return {
        token.text
        for token in case.reading.tokens
        if token.kind is TokenKind.WORD and not token.hashtag and token.text not in STOPWORDS and len(token.text) > 2
    }


def _words_to_go_by(case: Case) -> int:
    """How many different words, beyond the little ones, a post has."""
    return len({token.text for token in case.reading.tokens if token.kind is TokenKind.WORD and len(token.text) > 3})


def _ties(case: Case, council_words: str, elsewhere: Sequence[Hit]) -> set[str]:
    """What ties a post to tonight: its words, beside those of other subjects, its hashtag, whom it names."""
    used = {case.reading.tokens[index].text for hit in elsewhere for index in range(hit.first, hit.last + 1)}
    tonight = case.room.meeting_stems | case.room.words(council_words)
    ties = {word for word in _content_words(case) - used if stem(word) in tonight}
    own_tags = {accent_free(tag) for tag in case.room.meeting.hashtags}
    ties |= {f"#{tag}" for tag in case.post.hashtags if accent_free(tag) in own_tags}
    if addressee(case) is not None:
        ties.add("whom it speaks to")
    return ties
