"""Words reduced to their stems, so that “parking” meets “parked”."""

from __future__ import annotations

from functools import lru_cache

from snowballstemmer import stemmer

from feedmon.judgement.text import TokenKind, tokens_of

_snowball = stemmer("english")

STOPWORDS = frozenset(
    """a able about above across actually after afternoon again against air all almost along already also always am
    among an and another any anyone anything april are around as at august autumn away back bad be because been
    before behind being below best better between beyond big bit body both bottom bought boy bring brings brought
    but buy by call called calls can carry case cases cent change changes check clearly close come coming cost
    could country cut day december deep did do does doing done double down drive during each early easy eat else
    end ended ends enough especially even evening ever every everyone everything extra eye eyes face fact facts
    fall family february feel feet few finally find finds first five follow foot for form found four free friday
    friend friends from front full further get gets getting girl give gives go goes going gone good got great guy
    guys had half hand hands happy hard has have having he head heart help her here hers high him his hit hold
    holds home hope hour hours house how however i idea ideas if in instead into is it its itself january job july
    june just keep keeps kept kid kids kind kinds know last late later lead learn least leave leaves left less let
    life light lights like likely line lines list lists little live lives living ll long look looked looking looks
    lose lost lot love loved lovely low made main make makes man many march may maybe me mean means meet men might
    mine minus minute minutes monday month months more morning most move moved moves much must my name names
    nearly need never new news next nice night nights no nobody none nor not nothing november now number numbers
    october of off offer offered offers often oh ok okay old on once one ones only open openly or other our ours
    out over own paid part particularly parts pay people per perhaps pick place places play played player playing
    please plus point points possible probably pull push put quite rather read reading ready really right room
    rooms round run running runs s said same saturday say saying says second see seen sell send sent september set
    sets shall she short should show shown shows side sides simply since single sit sits so sold some someone
    something soon sort sorts spring stand start started stay step still stop stops stories story such suddenly
    summer sunday sure take taken takes talk talking tell ten than thank thanks that the their them then there
    these they thing things think third this those though thought three through thursday time to today tomorrow
    tonight too top try trying tuesday turn turns two type under until up us use very walk walking want wants was
    watch watching water way ways we wear wednesday week weekend well went were what when where which while who
    whole whom why wide will win wins winter with within without woman women won wonder wont word words work
    worked working works world would write writes wrote year years yes yesterday yet you young your yours yourself
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
