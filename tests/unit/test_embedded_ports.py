"""Which port the pages get."""

from __future__ import annotations

import socket

import pytest

from core.errors import ConflictError
from embedded.ports import choose_web_port, find_any_port, is_port_free


@pytest.fixture
def taken_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_the_wanted_port_when_it_is_free():
    port = find_any_port()
    assert choose_web_port(port, explicit=True) == port


def test_the_next_free_one_when_nobody_asked_for_this_one(taken_port):
    assert not is_port_free(taken_port)
    assert choose_web_port(taken_port, explicit=False) > taken_port


def test_an_explicit_port_that_is_taken_is_an_error(taken_port):
    with pytest.raises(ConflictError, match=f"port {taken_port} is taken"):
        choose_web_port(taken_port, explicit=True)
