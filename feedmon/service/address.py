"""Where the service listens, and how others reach it there."""

from __future__ import annotations

import errno
import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass

from feedmon.model.problems import BadInput, Problem


def is_loopback(host: str) -> bool:
    """Whether a host to listen on can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises BadInput when the host is not this machine's or the port cannot be had."""
    place = f"{host} port {port}"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family)
    except OverflowError as error:
        raise BadInput(Problem(place, "is no port.", "Choose one from 1 to 65535 with --port.")) from error
    except socket.gaierror as error:
        raise BadInput(
            Problem(place, "is no address of this machine.", "Leave out --host, or give an address.")
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            mend = "Is feedmon running already? Stop it, or choose another port with --port."
            raise BadInput(Problem(place, "is in use.", mend)) from error
        raise BadInput(Problem(place, f"cannot be listened on: {error.strerror}.", "Choose another.")) from error


@dataclass(frozen=True)
class Address:
    """The host asked for and the port had."""

    host: str
    port: int

    def url(self) -> str:
        """How a program on this machine reaches the service."""
        return self._url("127.0.0.1" if self._everywhere else self.host)

    def url_for_others(self) -> str:
        """How another device reaches it, if any can: by this machine's own address when it listens on all."""
        return self._url(_outward_address() or "127.0.0.1") if self._everywhere else self.url()

    @property
    def _everywhere(self) -> bool:
        return self.host in {"", "0.0.0.0", "::"}  # noqa: S104  (recognising it, not choosing it)

    def _url(self, host: str) -> str:
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def _outward_address() -> str | None:
    """The address this machine has in its own network. Nothing is sent to find out."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # an address that is nobody's, by RFC 5737
        return str(probe.getsockname()[0])
    return None
