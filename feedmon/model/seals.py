"""A seal: keyed fingerprints of a closed paper, from which its sentences cannot be read back."""

from __future__ import annotations

import msgspec

from feedmon.model.instants import Instant


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """The fingerprints of one closed paper.

    ``runs`` are keyed digests of word runs (64 bits, hexadecimal), ``figures`` of its distinctive figures, ``names``
    of the names that no open paper has. The key is kept beside the meeting file and never in the journal; without it
    the digests tell nothing.
    """

    item: str
    runs: frozenset[str]
    figures: frozenset[str]
    sealed_at: Instant
    words: int
    names: frozenset[str] = frozenset()
