"""Judgement: ``(post, moment, pack) → flags``. Pure.

``text`` reads a post as people write; ``phrasebook`` finds every phrase of every rule in one pass; ``room`` is a
meeting made ready to judge by; ``checks`` are the kinds of judgement, one file each; ``packs`` are a council's rules
as data, and load only when their own examples hold (``examples``); ``judge`` puts them together.
"""
