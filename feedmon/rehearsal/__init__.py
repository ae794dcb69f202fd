"""Rehearsals: a recording played back over a real socket in its network's own protocol, by a clock of its own.

``clock`` is the time of the rehearsed evening, ``recording`` reads what was recorded, ``faults`` plans what goes
wrong, and there is one server a network: ``jetstream_server``. A feed followed in a rehearsal takes the true path
from the socket to the desk.
"""
