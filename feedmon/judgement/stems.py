"""Words reduced to their stems, so that “parking” meets “parked”."""

from __future__ import annotations

from functools import lru_cache

from snowballstemmer import stemmer

from feedmon.judgement.text import TokenKind, tokens_of

_snowball = stemmer("english")

STOPWORDS = frozenset(
    """a about above after again against all also always am an and any anyone are as at away back be
    because been before being below between both but by can come could day did do does doing done down
    during each else even ever every everyone few first for from further get getting give go goes going
    gone good got great had has have having he her here hers him his how i if in into is it its itself
    just know last later less let like little ll long look looking lot made make makes many may maybe me
    might mine more most much must my need never new next no nobody none nor not nothing now of off
    often oh ok okay old on once one only or other our ours out over own people perhaps please put quite
    rather really right s said same say saying says see seen shall she should since so some someone
    something soon still such sure take than thank thanks that the their them then there these they
    thing things think this those though thought through time to today tomorrow tonight too try trying
    two under until up us use very want wants was watch watching way we well went were what when where
    which while who whole whom why will with without wonder wont word words would yes yesterday yet you
    your yours yourself evening morning night afternoon week weekend year years hour hours minute
    minutes nice big bit best better bad love loved lovely happy hope feel keep start started end ended
    talk talking tell actually already almost another around anything everything however instead least
    second half three four five ten
    """.split()
)
"""Words that say nothing about a subject."""


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The stem of one folded word."""
    return str(_snowball.stemWord(word))


def stems_of(text: str) -> frozenset[str]:
    """The stems of a text's content words."""
    return frozenset(
        stem(token.text)
        for token in tokens_of(text)
        if token.kind is TokenKind.WORD and len(token.text) > 2 and token.text not in STOPWORDS
    )
