"""Whole screens and the questions that lie over them. A question is a typed screen, answered with a value."""
