"""The simulated platform over HTTP on the loopback address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from core.clock import monotonic_s
from simulators.railway.service import Answer, Fault, RailwayConfig, SimulatedRailway
from simulators.serving import JsonHandler, LoopbackServer

_SIGN_IN_PAGE: Final = b"<html>Please sign in.</html>"


class RailwayServer(LoopbackServer):
    """Bound from construction on, answers between ``start`` and ``stop``; port 0 picks one.

    Raises OSError when the port is taken.
    """

    def __init__(
        self,
        config: RailwayConfig | None = None,
        *,
        port: int = 0,
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        self.platform = SimulatedRailway(config or RailwayConfig(), clock=clock)
        super().__init__(_Handler, self.platform, port=port)

    @property
    def url(self) -> str:
        """What RAILWAY_API_URL must be."""
        return f"{self.address}/graphql/v2"


class _Handler(JsonHandler):
    timeout = 5

    @property
    def platform(self) -> SimulatedRailway:
        platform: SimulatedRailway = self.server.service
        return platform

    def answer(self, method: str) -> None:
        body = self.read_json() if method == "POST" else None
        match method, self.path:
            case "GET", "/control/calls":
                self.send_json(200, {"calls": self.platform.calls})
            case "POST", "/graphql/v2":
                token = str(self.headers.get("Project-Access-Token", ""))
                self._send_answer(self.platform.answer(body, token=token))
            case "POST", "/control/faults" | "/control/replicas" | "/control/deploying":
                self._control(self.path.rpartition("/")[2], body)
            case _:
                self.send_json(404, {"message": "not found"})

    def _control(self, what: str, body: object) -> None:
        try:
            wish = body if isinstance(body, dict) else {}
            service_id = str(wish.get("service", "svc-worker"))
            if what == "faults":
                self.platform.plan_faults(*wish["faults"])
            elif what == "replicas":
                self.platform.set_by_hand(service_id, int(wish["replicas"]))
            else:
                self.platform.set_deploying(service_id, deploying=bool(wish["deploying"]))
        except (KeyError, ValueError, TypeError) as error:
            self.send_json(400, {"message": f"{type(error).__name__}: {error}"})
        else:
            self.send_json(200, {"done": True})

    def _send_answer(self, answer: Answer) -> None:
        if answer.fault is Fault.RESET:
            self.close_connection = True
        elif answer.fault is Fault.HTML:
            self.send_bytes(200, _SIGN_IN_PAGE, content_type="text/html")
        else:
            self.send_json(answer.status, answer.body, headers=answer.headers)
