"""The clerk's desk: feedmon's screen, in a terminal. It knows the service only through ``feedmon.wire``.

``text``, ``words``, ``signs``, ``keys`` and ``model/`` are plain Python that draws nothing; ``link`` talks to the
service; ``screens/`` and ``widgets/`` draw what ``model/`` says; ``app`` joins them. ``plain`` tells the same in lines.
"""
