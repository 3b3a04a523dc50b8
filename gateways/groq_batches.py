"""Groq's Files and Batches API: calls in files, at half price; one call each, no retries.

Source of names and limits: the groq library 1.7.0 and console.groq.com/docs/batch (2026-09).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import groq
import httpx

from core.errors import BatchUnavailableError, LlmTransientError
from domain.batch_lane import BatchAnswer, BatchStatus
from domain.ports import LlmReply, LlmRequest
from gateways.groq_llm import keep_headers, naming_faults
from gateways.groq_wire import build_body, read_reply

if TYPE_CHECKING:
    from groq.types import BatchCreateResponse, BatchRetrieveResponse
    from groq.types.batch_list_response import Data as BatchListed

_API_PATH: Final = "/openai/v1"
_ENDPOINT: Final = "/v1/chat/completions"
_LABEL: Final = "listwright"
_OK: Final = 200


class GroqBatches:
    """Implements ``domain.batch_lane.BatchProvider``. Build it after a fork, not before.

    ``base_url`` as for ``GroqModel``. The timeouts hold for connecting and for each read or write.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str | None,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 30.0,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url.rstrip("/").removesuffix(_API_PATH) if base_url else None
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s

    @cached_property
    def _client(self) -> groq.Groq:
        """Made when it is needed: of all processes one works the lane."""
        return groq.Groq(
            api_key=self._api_key,
            base_url=self._base_url,
            max_retries=0,
            timeout=httpx.Timeout(self._read_timeout_s, connect=self._connect_timeout_s),
        )

    def close(self) -> None:
        """Close the connections."""
        if "_client" in self.__dict__:
            self._client.close()

    def write_line(self, custom_id: str, request: LlmRequest) -> bytes:
        """A call as a line of a file; makes no call."""
        line = {
            "custom_id": custom_id,
            "method": "POST",
            "url": _ENDPOINT,
            "body": build_body(request),
        }
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"

    def upload(self, name: str, body: bytes) -> str:
        """Store a file; its id."""
        with self._naming_faults():
            made = self._client.files.create(file=(name, body), purpose="batch")
        if not made.id:
            raise LlmTransientError("Groq took a file in and gave it no id.")
        return made.id

    def find_file(self, name: str) -> str:
        """The id of the file stored under a name, "" when there is none."""
        with self._naming_faults():
            stored = self._client.files.list().data
        return next((one.id for one in stored if one.filename == name and one.id), "")

    def create(self, file_id: str, *, label: str, window_h: int) -> BatchStatus:
        """Submit a stored file; ``label`` is what ``find`` knows it by."""
        with self._naming_faults():
            made = self._client.batches.create(
                input_file_id=file_id,
                endpoint=_ENDPOINT,
                completion_window=f"{window_h}h",
                metadata={_LABEL: label},
            )
        return _read_status(made)

    def find(self, label: str, *, file_id: str) -> BatchStatus | None:
        """The batch with this label, or else made from this file."""
        with self._naming_faults():
            known = self._client.batches.list().data
        for one in known:
            labels = one.metadata if isinstance(one.metadata, dict) else {}
            if labels.get(_LABEL) == label or one.input_file_id == file_id:
                return _read_status(one)
        return None

    def get(self, batch_id: str) -> BatchStatus:
        """How far it is; one that the provider does not know any more has failed."""
        with self._naming_faults():
            try:
                return _read_status(self._client.batches.retrieve(batch_id))
            except groq.NotFoundError:
                return BatchStatus(id=batch_id, status="failed", error="Groq does not know it.")

    def cancel(self, batch_id: str) -> None:
        """Ask Groq to stop; what is done by then stays, and is billed."""
        with self._naming_faults():
            self._client.batches.cancel(batch_id)

    def read_answers(self, file_id: str) -> Iterator[BatchAnswer]:
        """The lines of an output or error file; one that cannot be read is left out."""
        with self._naming_faults():
            content = self._client.files.content(file_id)
            headers = keep_headers(content.headers)
            for line in content.iter_lines():
                answer = read_line(line, headers)
                if answer is not None:
                    yield answer

    def delete_file(self, file_id: str) -> None:
        """Have Groq forget a file."""
        with self._naming_faults():
            self._client.files.delete(file_id)

    @contextmanager
    def _naming_faults(self) -> Iterator[None]:
        with naming_faults("", api_key=self._api_key, patience_s=self._read_timeout_s):
            try:
                yield
            except (groq.PermissionDeniedError, httpx.HTTPError) as error:
                raise _translate(error) from error


def _translate(error: groq.PermissionDeniedError | httpx.HTTPError) -> Exception:
    if isinstance(error, httpx.HTTPError):
        return LlmTransientError(f"Groq's file broke off ({type(error).__name__}).")
    told = error.body.get("error") if isinstance(error.body, dict) else None
    quote = str(told.get("message") or "") if isinstance(told, dict) else ""
    return BatchUnavailableError(
        f"Groq takes no batches of this organisation. Groq says: {quote}".rstrip(),
        remedy="Choose a plan with the Batch API at console.groq.com; single calls go on.",
    )


def _read_status(batch: BatchCreateResponse | BatchRetrieveResponse | BatchListed) -> BatchStatus:
    told = batch.errors.data if batch.errors and batch.errors.data else []
    return BatchStatus(
        id=batch.id,
        status=batch.status,
        output_file_id=batch.output_file_id or "",
        error_file_id=batch.error_file_id or "",
        error="; ".join(f"line {one.line}: {one.message}" for one in told[:3]),
    )


def read_line(line: str, headers: Mapping[str, str]) -> BatchAnswer | None:
    """One line of an output or error file; None when it is none."""
    try:
        told = json.loads(line)
        custom_id = str(told["custom_id"])
    except (ValueError, KeyError, TypeError):
        return None
    response = told.get("response") or {}
    reply = _find_reply(response, headers)
    if reply is not None:
        return BatchAnswer(custom_id=custom_id, reply=reply)
    return BatchAnswer(custom_id=custom_id, reply=None, error=_find_error(told, response))


def _find_reply(response: Mapping[str, Any], headers: Mapping[str, str]) -> LlmReply | None:
    if response.get("status_code") != _OK:
        return None
    try:
        return read_reply(json.dumps(response.get("body")).encode(), headers)
    except ValueError:
        return None


def _find_error(told: Mapping[str, Any], response: Mapping[str, Any]) -> str:
    """The provider's code and words, wherever it put them."""
    body = response.get("body")
    inner = body.get("error") if isinstance(body, dict) else None
    error = told.get("error") or inner or {}
    if not isinstance(error, dict):
        return str(error)
    return f"{error.get('code') or response.get('status_code')}: {error.get('message', '')}"
