"""Answers that no Groq would give: a proxy's, a broken server's, an old one's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from core.clock import monotonic_s
from core.errors import (
    LlmError,
    LlmOutageError,
    LlmRefusedError,
    LlmRequestError,
    LlmTransientError,
)
from gateways.groq_errors import ProviderRefusal, parse_retry_after
from gateways.groq_llm import GroqModel
from tests.support.llm_calls import KEY, build_request


@contextmanager
def answering(status: int, body: str, **headers: str) -> Iterator[str]:
    """A server that says the same to everybody."""

    class Stranger(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            content = {"Content-Type": "application/json", **headers}
            for name, value in content.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def ask_stranger(status: int, body: str, **headers: str) -> LlmError:
    with answering(status, body, **headers) as url:
        model = GroqModel(api_key=KEY, base_url=url)
        with pytest.raises(LlmError) as caught:
            model.complete(build_request(), timeout_s=5.0)
        model.close()
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        '"hello"',
        '{"choices": [{}]}',
        '{"id": "1", "model": "m", "choices": null, "usage": {}}',
        '{"id": "1", "model": "m", "choices": [{"message": {"content": ["a"]}}]}',
        '{"id": "1", "model": "m", "choices": [], "usage": "none"}',
        '{"id": "1", "model": "m", "cho',
    ],
)
def test_a_good_status_with_a_body_that_is_no_completion(body):
    error = ask_stranger(200, body)
    assert isinstance(error, LlmTransientError)
    assert "GROQ_BASE_URL" in str(error)


@pytest.mark.parametrize("body", ["<html>", '{"error": null}'])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, LlmRequestError),
        (401, LlmRefusedError),
        (403, LlmRefusedError),
        (404, LlmRefusedError),
        (413, LlmRequestError),
        (422, LlmRequestError),
        (424, LlmRequestError),
        (429, LlmTransientError),
        (499, LlmTransientError),
        (504, LlmTransientError),
    ],
)
def test_an_error_status_counts_whatever_its_body_says(status, kind, body):
    assert isinstance(ask_stranger(status, body), kind)


def test_the_key_is_never_repeated_even_if_the_server_repeats_it():
    error = ask_stranger(401, f'{{"error": {{"message": "Bad key {KEY}!"}}}}')
    assert KEY not in str(error)
    assert "[redacted]" in str(error)


def test_the_servers_words_are_shortened():
    error = ask_stranger(500, f'{{"error": {{"message": "{"x" * 5_000}"}}}}')
    assert len(str(error)) < 500


def test_the_header_counts_where_the_message_names_no_time():
    error = ask_stranger(429, "{}", Retry_After="17")
    assert isinstance(error, LlmTransientError)
    assert error.retry_after_s == 17


@pytest.mark.parametrize(
    ("message", "header", "seconds"),
    [
        ("Please try again in 6.781s.", "7", 6.781),
        ("Please try again in 391ms.", "1", 0.391),
        ("Please try again in 1m59.5s.", "120", 119.5),
        ("Please try again in 11h59m59s.", "43199", 43_199),
        ("Please try again in 99h.", "", 86_400),
        ("Please try again in 1.2.3s.", "4", 4),
        ("", "2.5", 2.5),
        ("", "-3", 0),
        ("", "inf", 86_400),
        ("", "Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("", "soon", None),
        ("", "", None),
    ],
)
def test_the_wait_is_read_from_message_or_header(message, header, seconds):
    refusal = ProviderRefusal(status=429, code="", message=message, model="m", retry_after=header)
    assert parse_retry_after(refusal) == (
        None if seconds is None else pytest.approx(seconds, abs=0.001)
    )


@contextmanager
def dripping(piece: bytes, *, every_s: float) -> Iterator[str]:
    """A server that begins to answer and then sends a piece now and then, for ever."""
    stop = threading.Event()

    class Dripper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while not stop.wait(every_s):
                    self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Dripper) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            stop.set()
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("piece", "every_s"), [(b" ", 0.02), (b" " * 200_000, 0.0)], ids=["slow", "endless"]
)
def test_an_answer_without_an_end_holds_no_thread(piece, every_s):
    with dripping(piece, every_s=every_s) as url:
        model = GroqModel(api_key=KEY, base_url=url)
        began_s = monotonic_s()
        with pytest.raises(LlmOutageError, match="too slowly, or without an end") as caught:
            model.complete(build_request(), timeout_s=0.3)
        model.close()
    assert monotonic_s() - began_s < 3
    assert not caught.value.answered


def test_an_answer_that_breaks_off_is_an_outage():
    with answering(200, '{"id": ', Content_Length="100") as url:
        model = GroqModel(api_key=KEY, base_url=url)
        with pytest.raises(LlmOutageError, match="broke off") as caught:
            model.complete(build_request(), timeout_s=2.0)
        model.close()
    assert not caught.value.answered
