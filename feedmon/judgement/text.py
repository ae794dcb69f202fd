"""Reading a post as people write it: one normaliser for posts and for lexicons, with a map back to the original.

Case, accents, compatibility forms, look-alike letters, zero-width and bidi characters fold away; contractions open
(“isn't” → “is not”, also written “isnt”); hashtags written in humps come apart; emoji are words. Stretched, l33t,
spaced and starred spellings are undone in *further forms* of the same text, so that nothing innocent is lost from
the plain one. Every token knows which characters of the original it stands for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import Enum
from functools import lru_cache

import msgspec


class TokenKind(Enum):
    """What a token is; only words, numbers and emoji carry meaning for phrases."""

    WORD = "word"
    NUMBER = "number"
    EMOJI = "emoji"
    MENTION = "mention"
    STOP = "stop"


class Token(msgspec.Struct, frozen=True):
    """One folded word, or the like, and the stretch of the original it stands for.

    ``pause`` says a comma, dash, bracket or colon came before it; ``capital`` that it was written with one.
    """

    text: str
    start: int
    end: int
    kind: TokenKind
    quoted: bool = False
    capital: bool = False
    pause: bool = False
    hashtag: bool = False


class Form(msgspec.Struct, frozen=True):
    """One way of reading the tokens, as a string padded with spaces: character ``starts[i]`` begins ``spans[i]``."""

    string: str
    starts: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


class Reading(msgspec.Struct, frozen=True):
    """A text as read. ``tokens`` are in order; ``forms`` are the plain form first, then the unmasked ones."""

    original: str
    tokens: tuple[Token, ...]
    forms: tuple[Form, ...]

    def words(self) -> tuple[str, ...]:
        """The folded words alone, in order."""
        return tuple(token.text for token in self.tokens if token.kind is TokenKind.WORD)


_LOOKALIKES = str.maketrans(
    dict(
        pair.split("=")
        for pair in (
            "а=a в=b е=e ё=e з=3 и=u і=i ї=i ј=j к=k ӏ=l м=m н=h о=o р=p с=c т=t у=y х=x ѕ=s ԁ=d ԛ=q ԝ=w һ=h ѵ=v "
            "А=A В=B Е=E З=3 І=I Ј=J К=K М=M Н=H О=O Р=P С=C Т=T У=Y Х=X Ѕ=S Ԁ=D Ԝ=W "
            "α=a β=b γ=y ε=e ι=i κ=k ν=v ο=o ρ=p τ=t υ=u χ=x ω=w ϲ=c "
            "Α=A Β=B Ε=E Ζ=Z Η=H Ι=I Κ=K Μ=M Ν=N Ο=O Ρ=P Τ=T Υ=Y Χ=X "
            "ı=i ł=l ø=o đ=d ħ=h ŧ=t ƒ=f ɡ=g ß=ss æ=ae œ=oe Æ=AE Œ=OE Ø=O Ł=L Đ=D "
            "’=' ‘=' ʼ=' ＇=' `=' ´=' ‐=- ‑=- ‒=- –=- —=- −=- ⁎=* ∗=* ﹡=* ＊=*"
        ).split()
    )
)
_IGNORABLE = {"Cf", "Mn", "Me", "Cc", "Cs", "Co", "Cn"}
_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u203c\u2049"
_EMOJI_CHARACTER = re.compile(f"[{_EMOJI}]")
_TOKEN = re.compile(
    rf"""
      (?P<url>(?:https?://|www\.)\S+)
    | (?P<mention>(?<![^\W_])@[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9_]|(?<![^\W_])@[A-Za-z0-9])
    | (?P<tag>\#[^\W_]\w*)
    | (?P<number>[£$€]?\d+(?:[,.:]\d+)*(?![^\W_]))
    | (?P<masked>[^\W\d_]{{1,2}}[!|]+[^\W_]{{1,8}}(?![^\W_]))
    | (?P<word>[^\W_](?:[^\W_]|['*@$]+(?=[^\W_]))*\**)
    | (?P<emoji>[{_EMOJI}])
    | (?P<stop>[.!?…;\n]+)
    | (?P<pause>[,:()\[\]<>/"“”«»]|-(?=\s)|(?<=\s)-)
    """,
    re.VERBOSE,
)
_HUMPS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_QUOTES = re.compile(
    r"“[^“”]{1,400}”|\"[^\"\n]{1,400}\"|«[^«»]{1,400}»|(?<![^\W_])'[^'\n]{2,200}(?:'(?=[^\W_])[^'\n]*)*'(?![^\W_])"
)
_CONTRACTIONS = {
    **{f"{w}n't": f"{w} not" for w in "is are was were do does did has have had could should would must need".split()},
    **{f"{w}nt": f"{w} not" for w in "is are was were do does did has have could should would must".split()},
    "can't": "can not", "cant": "can not", "cannot": "can not", "won't": "will not", "wont": "will not",
    "shan't": "shall not", "ain't": "is not", "aint": "is not", "innit": "is it not",
    "i'm": "i am", "im": "i am", "youre": "you are", "ur": "you are", "u": "you", "r": "are", "theyre": "they are",
    "ive": "i have", "youve": "you have", "hes": "he s", "shes": "she s", "thats": "that s", "whats": "what s",
    "whos": "who s", "theres": "there s", "let's": "let us", "lets": "let us", "gonna": "going to", "ya": "you",
    "gotta": "got to", "wanna": "want to", "dunno": "do not know", "youd": "you would", "youll": "you will",
}  # fmt: skip
_ENDINGS = {"re": "are", "ve": "have", "ll": "will", "m": "am", "d": "would"}
_LEET = (
    str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s",
                   "!": "i", "|": "i", "*": None}),
    str.maketrans({"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s",
                   "!": "l", "|": "l", "*": None}),
)  # fmt: skip
_ONE_LETTER_WORDS = frozenset({"a", "i", "o", "you", "are"})  # “u” and “r” have been opened by now
_PLAIN = re.compile(r"[a-z]+(?: [a-z]+)*")
_STRETCHED = re.compile(r"(.)\1{2,}")


@lru_cache(maxsize=8192)
def _clean_character(character: str) -> str:
    if character in "\n\t":
        return "\n" if character == "\n" else " "
    if _EMOJI_CHARACTER.match(character):  # also those that this Python's Unicode data does not know yet
        return character
    if unicodedata.category(character) in _IGNORABLE:
        return ""
    seen = character.translate(_LOOKALIKES)
    folded = unicodedata.normalize("NFKD", seen).translate(_LOOKALIKES)
    return "".join(each for each in folded if unicodedata.category(each) not in _IGNORABLE)


def _clean(text: str) -> tuple[str, list[int]]:
    """The text with look-alikes resolved and the invisible gone, and where each character of it came from."""
    if text.isascii():
        return re.sub(r"[\x00-\x09\x0b-\x1f\x7f]", " ", text).replace("`", "'"), list(range(len(text) + 1))
    cleaned: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(text):
        for each in _clean_character(character):
            cleaned.append(each)
            origin.append(index)
    origin.append(len(text))
    return "".join(cleaned), origin


def _opened(word: str) -> list[str]:
    """A folded word with its contraction opened: one or two or three words."""
    if word in _CONTRACTIONS:
        return _CONTRACTIONS[word].split()
    stem, apostrophe, ending = word.rpartition("'")
    if apostrophe:
        if ending == "s" and stem:
            return [stem.replace("'", ""), "s"]
        if ending in _ENDINGS and stem:
            return [stem.replace("'", ""), _ENDINGS[ending]]
        if ending == "t" and stem.endswith("n"):
            return [stem[:-1].replace("'", ""), "not"]
    return [word.replace("'", "")]


def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of a text, in order. Never raises, whatever the text holds."""
    clean, origin = _clean(text)
    quoted = [(match.start(), match.end()) for match in _QUOTES.finditer(clean)]
    tokens: list[Token] = []
    pause = False
    for match in _TOKEN.finditer(clean):
        kind, raw = match.lastgroup, match.group()
        start, end = origin[match.start()], origin[match.end() - 1] + 1
        if kind == "pause":
            pause = True
            continue
        if kind == "url":
            pause = True
            continue
        inside = any(left < match.start() < right for left, right in quoted)
        if kind == "stop":
            if tokens and tokens[-1].kind is not TokenKind.STOP:
                tokens.append(Token(".", start, end, TokenKind.STOP, inside))
        elif kind == "mention":
            tokens.append(Token(raw.lower(), start, end, TokenKind.MENTION, inside, False, pause))
        elif kind == "number":
            tokens.append(Token(raw.replace(",", ""), start, end, TokenKind.NUMBER, inside, False, pause))
        elif kind == "emoji":
            tokens.append(Token(raw, start, end, TokenKind.EMOJI, inside, False, pause))
        elif kind == "tag":
            humps = _HUMPS.findall(raw[1:]) if not raw[1:].islower() else [raw[1:]]
            if "".join(humps) != raw[1:]:
                humps = [raw[1:]]
            tokens += [Token(hump.casefold(), start, end, TokenKind.WORD, inside, True, pause, True) for hump in humps]
        else:
            capital = raw[:1].isupper()
            parts = [raw.casefold()] if "*" in raw else _opened(raw.casefold())
            tokens += [Token(part, start, end, TokenKind.WORD, inside, capital, pause) for part in parts if part]
        pause = False
    return tuple(tokens)


def _form(pieces: list[tuple[str, int, int]]) -> Form:
    starts: list[int] = []
    spans: list[tuple[int, int]] = []
    position, parts = 1, []
    for piece, first, last in pieces:
        starts.append(position)
        spans.append((first, last))
        parts.append(piece)
        position += len(piece) + 1
    return Form(f" {' '.join(parts)} ", tuple(starts), tuple(spans))


def _unmasked(word: str, style: int, unstar: Callable[[str], str | None]) -> str:
    """A word with its disguise off, in one of the ways people disguise words; itself when it wears none."""
    if "*" in word:
        return unstar(word) or word.translate(_LEET[0])
    letters = sum(character.isalpha() for character in word)
    plain = word.translate(_LEET[style % 2]) if letters and letters < len(word) else word
    return _STRETCHED.sub(r"\1" if style < 2 else r"\1\1", plain)


def read(text: str, unstar: Callable[[str], str | None] = lambda _: None) -> Reading:
    """Read a text: its tokens, and every form of it in which a phrase might be found.

    ``unstar`` gives the word a starred-out one (“w*nker”) stands for, if any is known.
    """
    tokens = tokens_of(text)
    plain = [(token.text, index, index) for index, token in enumerate(tokens)]
    forms = [_form(plain)]
    seen = {forms[0].string}
    whole = _spaced_letters_joined(text, tokens, skip=frozenset())
    late = _spaced_letters_joined(text, tokens, skip=_ONE_LETTER_WORDS) if whole != plain else whole
    if any(token.kind is TokenKind.WORD and _disguised(token.text) for token in tokens) or whole != plain:
        for style, joined in [(0, whole), (1, whole), (2, whole), (3, whole), *([(0, late)] if late != whole else [])]:
            form = _form(
                [
                    (_unmasked(piece, style, unstar) if tokens[first].kind is TokenKind.WORD else piece, first, last)
                    for piece, first, last in joined
                ]
            )
            if form.string not in seen:
                seen.add(form.string)
                forms.append(form)
    return Reading(text, tokens, tuple(forms))


def _disguised(word: str) -> bool:
    return not word.isalpha() or _STRETCHED.search(word) is not None


def _spaced_letters_joined(text: str, tokens: tuple[Token, ...], skip: frozenset[str]) -> list[tuple[str, int, int]]:
    """The tokens with words written l i k e t h i s put together (four letters or more).

    A run does not begin with a letter in ``skip``: “u r a c l o w n”.
    """
    pieces: list[tuple[str, int, int]] = []
    index = 0
    while index < len(tokens):
        if tokens[index].text in skip:
            pieces.append((tokens[index].text, index, index))
            index += 1
            continue
        stop = index
        while stop < len(tokens) and tokens[stop].kind is TokenKind.WORD and tokens[stop].end - tokens[stop].start == 1:
            stop += 1
        if stop - index >= 4:
            letters = (_clean_character(text[token.start]).casefold() for token in tokens[index:stop])
            pieces.append(("".join(letters), index, stop - 1))
            index = stop
        else:
            pieces.append((tokens[index].text, index, index))
            index += 1
    return pieces


def folded(phrase: str) -> str:
    """A phrase as the plain form writes it: for lexicons, names and anything else to be found in posts."""
    if _PLAIN.fullmatch(phrase) and not any(word in _CONTRACTIONS for word in phrase.split()):
        return phrase
    return " ".join(token.text for token in tokens_of(phrase) if token.kind is not TokenKind.STOP)


def skeleton(name: str) -> str:
    """A name or handle as a hurried reader sees it: letters only, look-alikes and digits for letters resolved."""
    clean, _ = _clean(name)
    return "".join(letter for letter in clean.casefold().translate(_LEET[0]) if letter.isalpha())


def accent_free(word: str) -> str:
    """A word without case and accents, for comparing names and tags."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", word).casefold())
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")
