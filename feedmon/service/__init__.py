"""The service: one process that follows meetings, judges, keeps the journal and answers desks.

Pure inside: ``meeting_state`` is what is known of one meeting and what each new thing changes (with ``held`` posts,
``source_news``, and ``acts``, what the clerk may say); ``recovery`` makes it again from the journal; ``board`` is what
a desk shows. Around it: ``pipeline`` (one turn at a time: judge, journal, tell), ``hub`` (desks), ``following`` (feeds
and windows), ``api`` with ``access`` and ``readiness``, and ``chair`` (HTTP); ``app`` is the whole, started and stopped
in order.
"""
