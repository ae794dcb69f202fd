"""The papers people prepare: meeting files, packs, posts and marks from files, and the seals of closed papers.

``files`` reads any of them without surprises, and ``writing`` writes them whole; ``located`` turns parsed data into
typed structs and says of every mistake where it stands, in the words of ``wording``; ``toml_lines`` knows the line of
each key. On these stand ``meeting_file`` (with ``meeting_tables``, ``meeting_remarks`` and ``fields``),
``new_meeting``, ``packs``, ``neutral`` and ``seals``. ``bundled`` finds the data that travels with feedmon.

Everything here raises :class:`feedmon.model.problems.BadInput` with all mistakes at once, and nothing else.
"""
