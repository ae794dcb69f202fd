"""Telling people outside the desk. The first way: the chair's own page (``chair_page``)."""
