"""The HTTP side: health, metrics, sessions, their logs and their controls.

========================================  ======  ===========================================================
path                                      method  what
========================================  ======  ===========================================================
/health, /health/live                     GET     alive, version (needs no token)
/health/ready                             GET     200 if the estimators load, else 503 and why (needs no token)
/metrics                                  GET     Prometheus text
/sessions                                 GET     every session in numbers
/sessions                                 POST    create one: {"session": id, "settings": {...}}, both optional
/sessions/ID                              GET     one session in numbers
/sessions/ID/manifest                     GET     versions, models, settings, clock: what a reader must know
/sessions/ID/settings                     PATCH   change settings: {"changes": {...}, "by": "..."}
/sessions/ID/marks                        POST    {"name": "...", "data": {...}, "t_s": server seconds or absent}
/sessions/ID/log/TABLE?after=ROW          GET     Arrow IPC stream; headers X-Next-Row and X-Forgotten-Rows
/sessions/ID/recording                    POST    begin: {"path": "...", "keep_video": false, "blur_faces": false}
/sessions/ID/recording                    GET     where it is written, rows on disk, errors
/sessions/ID/recording                    DELETE  finish it
/sessions/ID/end                          POST    close the ledger: {"captured": n} or {} for what is known
========================================  ======  ===========================================================

The token goes in ``Authorization: Bearer TOKEN``. Answers other than 200 carry {"code", "message"}.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from tornado.web import HTTPError, RequestHandler

from livedance_lab._version import __version__
from livedance_lab.errors import BusyError, CodedError, ConnectionRefused, LiveDanceError, WireError
from livedance_lab.server.access import known_host, knows_token
from livedance_lab.server.manifest import manifest
from livedance_lab.server.readiness import Readiness
from livedance_lab.server.session_manager import Hub
from livedance_lab.session_data.log import to_ipc
from livedance_lab.session_data.schema import TABLES
from livedance_lab.system.logs import about
from livedance_lab.wire.messages import SESSION_ID, Mark, SettingsChange, encode_json, parse_client_message, parse_json

__all__ = ["ROUTES"]

_log = logging.getLogger(__name__)

_STATUS = {"token": 401, "host": 403, "session": 404, "taken": 409, "ended": 409, "busy": 503}


class ApiHandler(RequestHandler):
    """What all calls share: host and token checks, JSON in and out, errors in words."""

    needs_token = True

    def initialize(self, hub: Hub) -> None:
        """Called by tornado for each request."""
        self.hub = hub

    def prepare(self) -> None:
        """Let in whoever names this host (a rebound DNS name does not) and knows the token."""
        config = self.hub.config
        host = self.request.host_name
        if not known_host(host, config):
            raise ConnectionRefused("host", f"this server does not answer for the host {host!r}.")
        if self.needs_token:
            given = self.request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not knows_token(given, config):
                _log.warning("a call without the token", extra=about("", address=self.request.remote_ip))
                raise ConnectionRefused("token", "the token is missing or wrong; send Authorization: Bearer TOKEN.")

    def set_default_headers(self) -> None:
        """Nothing here is for caches or for other sites."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def body(self) -> dict[str, Any]:
        """The request's JSON object.

        Raises
        ------
        WireError
            If it is none.
        """
        return parse_json(self.request.body or b"{}")

    def answer(self, data: dict[str, Any] | list[Any]) -> None:
        """Send JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(encode_json(data))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Errors as JSON, ours with their code and words, others without their insides."""
        exc = kwargs.get("exc_info", (None, None, None))[1]
        code, message = "http", f"{status_code} {self._reason}"
        if isinstance(exc, LiveDanceError):
            code = exc.code if isinstance(exc, CodedError) else "settings"
            message = str(exc)
            self.set_status(_STATUS.get(code, 503 if isinstance(exc, BusyError) else 400))
        self.answer({"code": code, "message": message})

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """A client's mistake is not worth a traceback."""
        if not isinstance(value, LiveDanceError | HTTPError):  # without the query: it may hold anything
            _log.error("%s %s failed", self.request.method, self.request.path, exc_info=(typ, value, tb))


class Health(ApiHandler):
    """Alive."""

    needs_token = False

    def get(self) -> None:
        """No numbers of any session, because no token is asked."""
        self.answer({"status": "ok", "livedance_lab": __version__, "up_s": self.hub.clock() - self.hub.started_s})


class Ready(ApiHandler):
    """Able to take a session."""

    needs_token = False

    def initialize(self, hub: Hub, readiness: Readiness) -> None:  # type: ignore[override]
        """Called by tornado for each request."""
        super().initialize(hub)
        self.readiness = readiness

    def get(self) -> None:
        """With a status that service managers understand without reading."""
        why = self.readiness.obstacle()
        self.set_status(503 if why else 200)
        self.answer({"ready": True} if not why else {"ready": False, "code": "ready", "message": why})


class Metrics(ApiHandler):
    """Prometheus text exposition."""

    def get(self) -> None:
        """All sessions."""
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(self.hub.meters.text())


class Sessions(ApiHandler):
    """All sessions."""

    def get(self) -> None:
        """Every session in numbers."""
        self.answer([_summary(room) for room in self.hub.rooms.values()])

    def post(self) -> None:
        """Create one ahead of its producer, so that it can be watched and tuned from the start."""
        body = self.body()
        hello = {"type": "hello", "version": 1, "session": body.get("session"), "settings": body.get("settings", {})}
        checked = parse_client_message(hello)
        room = self.hub.create(checked.session, checked.settings)  # type: ignore[union-attr]
        self.answer(_summary(room))


class OneSession(ApiHandler):
    """One session."""

    def get(self, session_id: str) -> None:
        """In numbers."""
        self.answer(_summary(self.hub.room(session_id)))


class ManifestOf(ApiHandler):
    """What a reader of a session's data must know."""

    async def get(self, session_id: str) -> None:
        """Versions, models, settings, clock."""
        session = self.hub.room(session_id).session
        self.answer(await asyncio.to_thread(manifest, session, self.hub.config))


class SettingsOf(ApiHandler):
    """A session's settings."""

    def patch(self, session_id: str) -> None:
        """Change some."""
        change = parse_client_message({**self.body(), "type": "settings"})
        assert isinstance(change, SettingsChange)
        session = self.hub.room(session_id).session
        settings = session.change_settings(change.changes, change.by)
        self.answer({"settings": settings.plain(), "version": session.settings_version})


class Marks(ApiHandler):
    """A session's markers."""

    def post(self, session_id: str) -> None:
        """Add one."""
        mark = parse_client_message({**self.body(), "type": "mark"})
        assert isinstance(mark, Mark)
        session = self.hub.room(session_id).session
        session.event("mark", mark.name, mark.data, mark.t_s)
        self.answer({"t_s": mark.t_s if mark.t_s is not None else self.hub.clock()})


class Log(ApiHandler):
    """A session's tables."""

    async def get(self, session_id: str, table: str) -> None:
        """Rows from `after` on, as an Arrow IPC stream."""
        if table not in TABLES:
            raise WireError("table", f"the tables are {', '.join(TABLES)}; got {table!r}.")
        after = self.get_query_argument("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            raise WireError("after", f"`after` must be a row number, got {after[:40]!r}.")
        log = self.hub.room(session_id).session.log

        def read() -> tuple[bytes, int, int]:
            rows, next_row, forgotten = log.read(table, int(after))
            return to_ipc(rows), next_row, forgotten

        data, next_row, forgotten = await asyncio.to_thread(read)
        self.set_header("Content-Type", "application/vnd.apache.arrow.stream")
        self.set_header("X-Next-Row", str(next_row))
        self.set_header("X-Forgotten-Rows", str(forgotten))
        self.finish(data)


class RecordingOf(ApiHandler):
    """A session's recording."""

    async def post(self, session_id: str) -> None:
        """Begin."""
        room, body = self.hub.room(session_id), self.body()
        path, flags = body.get("path"), {name: body.get(name, False) for name in ("keep_video", "blur_faces")}
        if not isinstance(path, str) or not path or not all(isinstance(flag, bool) for flag in flags.values()):
            raise WireError("message", f"a recording needs a path and takes true or false flags, got {body!r}."[:300])
        self.answer(await asyncio.to_thread(self.hub.record, room, path, **flags))

    def get(self, session_id: str) -> None:
        """How it goes."""
        recorder = self.hub.room(session_id).recorder
        self.answer({"recording": recorder is not None, **(recorder.state if recorder else {})})

    async def delete(self, session_id: str) -> None:
        """Finish."""
        self.answer(await asyncio.to_thread(self.hub.stop_recording, self.hub.room(session_id)))


class End(ApiHandler):
    """The end of a session."""

    def post(self, session_id: str) -> None:
        """Close the ledger when the frames in work are done."""
        room = self.hub.room(session_id)
        captured = self.body().get("captured", room.session.ledger.captured)
        if not isinstance(captured, int) or isinstance(captured, bool) or captured < 0:
            raise WireError("message", f"captured must be a whole number, got {captured!r}.")
        room.session.end(captured)
        self.answer(_summary(room))


class NotFound(ApiHandler):
    """Anything else."""

    needs_token = False

    def prepare(self) -> None:
        """Say so."""
        super().prepare()
        self.set_status(404)
        self.answer({"code": "path", "message": "there is nothing here; see the documentation of the server's paths."})


def _summary(room: Any) -> dict[str, Any]:
    return {
        **room.session.status(),
        "producer": room.producer is not None,
        "viewers": len(room.viewers),
        "stats": room.producer_stats,
    }


_ID = SESSION_ID.strip("^$")
ROUTES: list[tuple[str, type[ApiHandler]]] = [
    (r"/health(?:/live)?", Health),
    (r"/metrics", Metrics),
    (r"/sessions", Sessions),
    (rf"/sessions/({_ID})", OneSession),
    (rf"/sessions/({_ID})/manifest", ManifestOf),
    (rf"/sessions/({_ID})/settings", SettingsOf),
    (rf"/sessions/({_ID})/marks", Marks),
    (rf"/sessions/({_ID})/log/([a-z]+)", Log),
    (rf"/sessions/({_ID})/recording", RecordingOf),
    (rf"/sessions/({_ID})/end", End),
]
