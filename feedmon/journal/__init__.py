"""The journal: everything that became known about a meeting, in order, kept so that nothing can change unseen.

One SQLite file, append-only, each entry bound to the one before it by a digest. :class:`Journal` is the one writer;
:func:`open_readonly` reads beside it; :func:`verify` walks the chain. What an entry may say is in
:mod:`feedmon.model.entries`; tables, views and the chain's recipe are told in ``feedmon/docs/journal.md``.
"""

from feedmon.journal.chain import Head
from feedmon.journal.faults import JournalFault
from feedmon.journal.reader import Reader, open_readonly
from feedmon.journal.verification import Verification, verify
from feedmon.journal.writer import Journal

__all__ = ["Head", "Journal", "JournalFault", "Reader", "Verification", "open_readonly", "verify"]
