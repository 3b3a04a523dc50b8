"""A TCP proxy that goes wrong when it is told to: late, silent, cut, or deaf to single replies."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

CHUNK_BYTES = 65_536


@dataclass(slots=True)
class Toxics:
    """What is wrong just now; nothing by default.

    ``latency_s`` delays what the server says. ``is_silent`` holds everything back in both
    directions, as a network does that drops packets; it flows again later. ``is_down`` refuses.
    ``most_bytes`` ends a connection after so many bytes of replies. ``deaf_to`` is a text: a
    request that holds it reaches the server, its reply is thrown away and the connection reset.
    """

    latency_s: float = 0.0
    is_silent: bool = False
    is_down: bool = False
    most_bytes: int | None = None
    deaf_to: bytes = b""
    deaf_times: int = 0


@dataclass(slots=True, eq=False)
class _Pair:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_deaf: bool = False
    replied_bytes: int = 0


@dataclass(slots=True)
class FaultProxy:
    """Listens on a loopback port and forwards to ``target``: (host, port), or a socket's path."""

    target: tuple[str, int] | str
    toxics: Toxics = field(default_factory=Toxics)
    port: int = 0
    dropped: int = 0
    _pairs: set[_Pair] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def change(self, **toxics: Any) -> None:
        """From now on go wrong in these ways only; none: all goes well."""
        self.toxics = Toxics(**toxics)

    def cut(self) -> int:
        """Reset every connection there is; how many."""

        async def reset_all() -> int:
            pairs = list(self._pairs)
            for pair in pairs:
                self._reset(pair)
            return len(pairs)

        return int(self._do(reset_all()))

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.toxics.is_down:
            _abort(writer)
            return
        try:
            if isinstance(self.target, str):
                answers, server = await asyncio.open_unix_connection(self.target)
            else:
                answers, server = await asyncio.open_connection(*self.target)
        except OSError:
            _abort(writer)
            return
        pair = _Pair(writer, server)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._send(reader, pair), self._reply(answers, pair))
        except asyncio.CancelledError:
            return  # the end of the proxy; the streams' own callback would report it as a fault
        finally:
            self._pairs.discard(pair)
            writer.close()
            server.close()

    async def _send(self, reader: asyncio.StreamReader, pair: _Pair) -> None:
        with suppress(OSError):
            while content := await reader.read(CHUNK_BYTES):
                await self._hold()
                if self.toxics.deaf_times > 0 and self.toxics.deaf_to in content:
                    self.toxics.deaf_times -= 1
                    pair.is_deaf = True
                pair.server.write(content)
                await pair.server.drain()
        pair.server.close()

    async def _reply(self, answers: asyncio.StreamReader, pair: _Pair) -> None:
        with suppress(OSError):
            while content := await answers.read(CHUNK_BYTES):
                await self._hold()
                await asyncio.sleep(self.toxics.latency_s)
                if pair.is_deaf or self._is_too_much(pair, len(content)):
                    self.dropped += 1
                    self._reset(pair)
                    return
                pair.client.write(content)
                await pair.client.drain()
        pair.client.close()

    def _is_too_much(self, pair: _Pair, size: int) -> bool:
        pair.replied_bytes += size
        most = self.toxics.most_bytes
        return most is not None and pair.replied_bytes > most

    async def _hold(self) -> None:
        held = self.toxics.is_silent
        while held:
            held = await asyncio.sleep(0.02, self.toxics.is_silent)

    def _reset(self, pair: _Pair) -> None:
        _abort(pair.client)
        pair.server.close()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of an orderly end."""
    with suppress(OSError):
        held = writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextmanager
def running_proxy(target: tuple[str, int] | str) -> Iterator[FaultProxy]:
    """A proxy in a thread of its own, ended with all its connections."""
    proxy, ready = FaultProxy(target), threading.Event()
    thread = threading.Thread(target=proxy._run, args=[ready], daemon=True)
    thread.start()
    if not ready.wait(10):
        message = "the proxy does not listen"
        raise TimeoutError(message)
    try:
        yield proxy
    finally:
        proxy.change()
        proxy._loop.call_soon_threadsafe(proxy._loop.stop)
        thread.join(10)
