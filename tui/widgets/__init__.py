"""The parts of the desk's screen. Each draws what it is given; none keeps state of the meeting."""
