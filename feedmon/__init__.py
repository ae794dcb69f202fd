"""feedmon: a meeting-time live social feed moderator for UK councils.

The rooms, from the outside in: ``cli`` → ``service`` → the edges (``sources``, ``documents``, ``journal``,
``alerts``, ``review``, ``rehearsal``) → ``wire`` → ``judgement`` → ``model``. See ``feedmon/docs/architecture.md``.
"""

__version__ = "0.1.0"
