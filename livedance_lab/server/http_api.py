"""The HTTP API: health, metrics, sessions, their logs, settings and recordings.

========================================  ======  ===========================================================
path                                      method  what it does
========================================  ======  ===========================================================
/health, /health/live                     GET     the server is alive; its version (needs no token)
/health/ready                             GET     200 if the estimators load, else 503 and why (needs no token)
/metrics                                  GET     metrics as Prometheus text
/sessions                                 GET     the numbers of every session
/sessions                                 POST    create one: {"session": id, "settings": {...}}, both optional
/sessions/ID                              GET     the numbers of one session
/sessions/ID/manifest                     GET     versions, models, settings, clock: the metadata of the data
/sessions/ID/settings                     PATCH   change settings: {"changes": {...}, "by": "..."}
/sessions/ID/follow                       POST    follow another person: {"person": id}
/sessions/ID/marks                        POST    {"name": "...", "data": {...}, "t_s": server seconds or absent}
/sessions/ID/log/TABLE?after=ROW          GET     Arrow IPC stream; headers X-Next-Row and X-Forgotten-Rows
/sessions/ID/recording                    POST    start: {"path": "...", "keep_video": false, "blur_faces": false}
/sessions/ID/recording                    GET     where it is written, rows on disk, errors
/sessions/ID/recording                    DELETE  finish it
/sessions/ID/end                          POST    close the ledger: {"captured": n}, or {} for the number known
========================================  ======  ===========================================================

The token goes in ``Authorization: Bearer TOKEN``. Answers other than 200 carry {"code", "message"}.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from tornado.web import HTTPError, RequestHandler

from livedance_lab._version import __version__
from livedance_lab.clock import now_s
from livedance_lab.errors import BusyError, CodedError, ConnectionRefused, LiveDanceError, WireError
from livedance_lab.server.access import is_allowed_host, is_valid_token
from livedance_lab.server.manifest import manifest
from livedance_lab.server.metrics import ServerMetrics
from livedance_lab.server.readiness import Readiness
from livedance_lab.server.session_manager import SessionManager
from livedance_lab.session_data.schema import TABLES
from livedance_lab.session_data.session_log import to_ipc
from livedance_lab.system.program_logs import session_context
from livedance_lab.wire import messages as m
from livedance_lab.wire.messages import encode_json, parse_json, validate

__all__ = ["ROUTES", "NotFoundHandler"]

_log = logging.getLogger(__name__)

_STATUS = {"token": 401, "host": 403, "session": 404, "taken": 409, "ended": 409, "busy": 503}  # by error code


class ApiHandler(RequestHandler):
    """Common to all requests: checks of host and token, JSON in and out, errors as JSON."""

    needs_token = True

    def initialize(self, manager: SessionManager, metrics: ServerMetrics, readiness: Readiness) -> None:
        """Called by tornado for each request."""
        self.manager, self.metrics, self.readiness = manager, metrics, readiness

    def prepare(self) -> None:
        """Refuse a request that names a foreign host (as one after DNS rebinding does) or lacks the token."""
        config = self.manager.config
        host = self.request.host_name
        if not is_allowed_host(host, config):
            raise ConnectionRefused("host", f"this server does not answer for the host {host!r}.")
        if self.needs_token:
            token = self.request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not is_valid_token(token, config):
                _log.warning("a call without the token", extra=session_context("", address=self.request.remote_ip))
                raise ConnectionRefused("token", "the token is missing or wrong; send Authorization: Bearer TOKEN.")

    def set_default_headers(self) -> None:
        """Forbid caches to store answers, and browsers to guess their type."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def body(self) -> dict[str, Any]:
        """Return the JSON object in the request's body; an empty body counts as {}.

        Raises
        ------
        WireError
            If the body is anything else.
        """
        return parse_json(self.request.body or b"{}")

    def answer(self, data: dict[str, Any] | list[Any]) -> None:
        """Send an answer as JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(encode_json(data))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send an error as JSON: one of ours with its code and message, any other without details."""
        exc = kwargs.get("exc_info", (None, None, None))[1]
        code, message = "http", f"{status_code} {self._reason}"
        if isinstance(exc, LiveDanceError):
            code = exc.code if isinstance(exc, CodedError) else "settings"
            message = str(exc)
            self.set_status(_STATUS.get(code, 503 if isinstance(exc, BusyError) else 400))
        self.answer({"code": code, "message": message})

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log unexpected errors; a client's mistake gets an answer, not a traceback."""
        if not isinstance(value, LiveDanceError | HTTPError):  # without the query, which may hold a secret
            _log.error("%s %s failed", self.request.method, self.request.path, exc_info=(typ, value, tb))


class HealthHandler(ApiHandler):
    """Whether the server is alive."""

    needs_token = False

    def get(self) -> None:
        """Answer with the version and nothing about sessions, because no token is needed."""
        self.answer({"status": "ok", "livedance_lab": __version__, "up_s": self.manager.up_s})


class ReadinessHandler(ApiHandler):
    """Whether the server can take a session."""

    needs_token = False

    def get(self) -> None:
        """Answer with a status code that service managers understand, and the reason if it is not ready."""
        obstacle = self.readiness.obstacle()
        self.set_status(503 if obstacle else 200)
        self.answer({"ready": False, "code": "ready", "message": obstacle} if obstacle else {"ready": True})


class MetricsHandler(ApiHandler):
    """Metrics as Prometheus text."""

    def get(self) -> None:
        """Answer with the metrics of the server and of all sessions."""
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(self.metrics.text())


class SessionsHandler(ApiHandler):
    """All sessions."""

    def get(self) -> None:
        """Answer with the numbers of every session."""
        self.answer(self.manager.statuses())

    def post(self) -> None:
        """Create a session before its producer connects, so that it can be watched and tuned from the start."""
        wanted = validate(m.CreateSession, self.body())
        self.answer(self.manager.create(wanted.session, wanted.settings).status())


class SessionHandler(ApiHandler):
    """One session."""

    def get(self, session_id: str) -> None:
        """Answer with its numbers."""
        self.answer(self.manager.get(session_id).status())


class ManifestHandler(ApiHandler):
    """The metadata of a session's data."""

    async def get(self, session_id: str) -> None:
        """Answer with versions, models, settings, clock and ledger."""
        session = self.manager.get(session_id).session
        self.answer(await asyncio.to_thread(manifest, session, self.manager.config))


class SettingsHandler(ApiHandler):
    """The settings of a session."""

    def patch(self, session_id: str) -> None:
        """Change some settings; answer with all of them and their version."""
        change = validate(m.SettingsChange, {**self.body(), "type": "settings"})
        session = self.manager.get(session_id).session
        settings = session.change_settings(change.changes, change.by)
        self.answer({"settings": settings.plain(), "version": session.settings_version})


class FollowHandler(ApiHandler):
    """The followed person of a session."""

    def post(self, session_id: str) -> None:
        """Follow another person; answer with their id."""
        follow = validate(m.Follow, {**self.body(), "type": "follow"})
        self.manager.get(session_id).session.follow(follow.person)
        self.answer({"person": follow.person})


class MarksHandler(ApiHandler):
    """The marks of a session."""

    def post(self, session_id: str) -> None:
        """Add a mark to the event log; answer with its time."""
        mark = validate(m.Mark, {**self.body(), "type": "mark"})
        t_s = now_s() if mark.t_s is None else mark.t_s
        self.manager.get(session_id).session.event("mark", mark.name, mark.data, t_s)
        self.answer({"t_s": t_s})


class LogHandler(ApiHandler):
    """The tables of a session."""

    async def get(self, session_id: str, table: str) -> None:
        """Answer with the rows from `after` on, as an Arrow IPC stream."""
        if table not in TABLES:
            raise WireError("table", f"the tables are {', '.join(TABLES)}; got {table!r}.")
        after = self.get_query_argument("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            raise WireError("after", f"`after` must be a row number, got {after[:40]!r}.")
        log = self.manager.get(session_id).session.log

        def read() -> tuple[bytes, int, int]:
            rows, next_row, forgotten = log.read(table, int(after))
            return to_ipc(rows), next_row, forgotten

        data, next_row, forgotten = await asyncio.to_thread(read)
        self.set_header("Content-Type", "application/vnd.apache.arrow.stream")
        self.set_header("X-Next-Row", str(next_row))
        self.set_header("X-Forgotten-Rows", str(forgotten))
        self.finish(data)


class RecordingHandler(ApiHandler):
    """The recording of a session."""

    async def post(self, session_id: str) -> None:
        """Start to record; answer with where it is written."""
        hosted, body = self.manager.get(session_id), self.body()
        path, flags = body.get("path"), {name: body.get(name, False) for name in ("keep_video", "blur_faces")}
        if not isinstance(path, str) or not path or not all(isinstance(flag, bool) for flag in flags.values()):
            raise WireError("message", f"a recording needs a path and takes true or false flags, got {body!r}."[:300])
        self.answer(await asyncio.to_thread(self.manager.start_recording, hosted, path, **flags))

    def get(self, session_id: str) -> None:
        """Answer with where it is written, the rows on disk and its error, if any."""
        recorder = self.manager.get(session_id).recorder
        self.answer({"recording": recorder is not None, **(recorder.state if recorder else {})})

    async def delete(self, session_id: str) -> None:
        """Finish the recording; answer with its final state."""
        self.answer(await asyncio.to_thread(self.manager.stop_recording, self.manager.get(session_id)))


class EndHandler(ApiHandler):
    """The end of a session."""

    def post(self, session_id: str) -> None:
        """Close the ledger as soon as no frame is in work any more."""
        hosted = self.manager.get(session_id)
        captured = self.body().get("captured", hosted.session.ledger.captured)
        if not isinstance(captured, int) or isinstance(captured, bool) or captured < 0:
            raise WireError("message", f"captured must be a whole number, got {captured!r}.")
        hosted.session.end(captured)
        self.answer(hosted.status())


class NotFoundHandler(ApiHandler):
    """Any other path."""

    needs_token = False

    def prepare(self) -> None:
        """Answer with status 404."""
        super().prepare()
        self.set_status(404)
        self.answer({"code": "path", "message": "there is nothing here; see the documentation of the server's paths."})


_ID = m.SESSION_ID.strip("^$")
ROUTES: list[tuple[str, type[ApiHandler]]] = [
    (r"/health(?:/live)?", HealthHandler),
    (r"/health/ready", ReadinessHandler),
    (r"/metrics", MetricsHandler),
    (r"/sessions", SessionsHandler),
    (rf"/sessions/({_ID})", SessionHandler),
    (rf"/sessions/({_ID})/manifest", ManifestHandler),
    (rf"/sessions/({_ID})/settings", SettingsHandler),
    (rf"/sessions/({_ID})/follow", FollowHandler),
    (rf"/sessions/({_ID})/marks", MarksHandler),
    (rf"/sessions/({_ID})/log/([a-z]+)", LogHandler),
    (rf"/sessions/({_ID})/recording", RecordingHandler),
    (rf"/sessions/({_ID})/end", EndHandler),
]
