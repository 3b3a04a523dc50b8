"""The fault proxy does what it is told, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from core.clock import monotonic_s
from tests.chaos.proxy import running_proxy


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that says everything twice over."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(one: socket.socket) -> None:
            with one:
                while content := one.recv(1000):
                    one.sendall(content)

        def accept() -> None:
            while True:
                try:
                    one, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=[one], daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def proxy(echo):
    with running_proxy(echo) as made:
        yield made


def connect(proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def ask(client: socket.socket, content: bytes) -> bytes:
    client.sendall(content)
    return client.recv(1000)


def test_it_forwards_and_is_late_when_told(proxy):
    with connect(proxy) as client:
        assert ask(client, b"one") == b"one"
        proxy.change(latency_s=0.2)
        started_s = monotonic_s()
        assert ask(client, b"two") == b"two"
        assert monotonic_s() - started_s >= 0.2


def test_silence_holds_back_and_lets_flow_again(proxy):
    with connect(proxy) as client:
        proxy.change(is_silent=True)
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            ask(client, b"one")
        proxy.change()
        client.settimeout(5)
        assert client.recv(1000) == b"one"


def test_down_refuses_and_cut_resets(proxy):
    with connect(proxy) as client:
        assert ask(client, b"one") == b"one"
        assert proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            ask(client, b"two")
    proxy.change(is_down=True)
    with pytest.raises(ConnectionResetError), connect(proxy) as client:
        ask(client, b"three")


def test_a_reply_is_lost_after_so_many_bytes(proxy):
    proxy.change(most_bytes=4)
    with connect(proxy) as client:
        assert ask(client, b"four") == b"four"
        with pytest.raises(ConnectionResetError):
            ask(client, b"!")


def test_it_is_deaf_to_one_reply(proxy):
    proxy.change(deaf_to=b"claim", deaf_times=1)
    with connect(proxy) as client, pytest.raises(ConnectionResetError):
        ask(client, b"UPDATE claim")
    assert proxy.dropped == 1
    with connect(proxy) as client:
        assert ask(client, b"UPDATE claim") == b"UPDATE claim"
