"""Free loopback ports."""

from __future__ import annotations

import socket

from core.errors import ConflictError

_LOOPBACK = "127.0.0.1"
_TRIED_PORTS = 100
_HIGHEST_PORT = 65_535


def find_any_port() -> int:
    """A port that was free a moment ago, chosen by the system."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_port_free(port: int, *, host: str = _LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def choose_web_port(wanted: int, *, explicit: bool) -> int:
    """``wanted``, or the next free port when nobody asked for that very one.

    Raises ConflictError when an explicitly wanted port is taken, or none of the next is free.
    """
    highest = wanted if explicit else min(wanted + _TRIED_PORTS, _HIGHEST_PORT)
    tried = range(wanted, highest + 1)
    port = next((port for port in tried if is_port_free(port)), None)
    if port is None:
        raise ConflictError(
            f"port {wanted} is taken", remedy="Free it or set PORT to another one.", field="PORT"
        )
    return port
