"""The words of the house as frozen types, and the meeting's timeline. Pure: no I/O, no clock, no randomness.

One file per word: ``problems`` (what is wrong and the mend), ``instants`` (times), ``meeting`` (council, agenda,
roster), ``timeline`` (marks and moments), ``posts``, ``flags``, ``decisions``, ``seals``, ``sourcestate``.
"""
