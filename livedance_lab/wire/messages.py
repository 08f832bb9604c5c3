"""The messages of the protocol, version 2, in both directions, and the bodies of HTTP requests.

Frames are binary (`livedance_lab.wire.frames`), and so are results for a client that requests it in its hello
(`livedance_lab.wire.results_binary`); all other messages are JSON text with a `type`. Times are seconds: a client
writes times of its own clock, the server those of the server's clock. JSON has no NaN: an unknown value is `null`.

==============  =========  ==================================================================================
type            direction  meaning
==============  =========  ==================================================================================
hello           up         first message: version, token, role, session; any other first message is refused
welcome         down       accepted: session id, settings, angle names and places, limits; on resume, how frames ended
(binary)        up         one frame
result          down       the result of frame `seq`; acknowledges every frame up to `seq`; binary if requested
refused         down       frame `seq` was rejected or failed, and why; acknowledges every frame up to `seq`
ping / pong     both       clock exchange, `livedance_lab.clock.OffsetEstimator`
clock           up         the client's estimate of the clock offset; the server maps the client's times by it
receipts        up         when results arrived and were painted
skipped         up         captured frames that were never sent
pacing          up         `auto` pacing has switched: to which mode, and the measurements that led to it
settings        both       up: requested changes; down: the settings now in force, with their version
follow          up         follow person `person` (an id) from the next result on
mark            up         a marker for the event log
stats           up         statistics of a browser (camera and painted FPS ...), passed on to the viewers
event           down       an event was logged (settings, clock, people, mark, reconnect ...)
stats           down       the newest statistics of the producer, for viewers
end             up         no more frames: finish, close the ledger; answered by `ended`
ended           down       the final ledger
error           down       code and text; `fatal` tells whether the connection is closed
bye             down       the server closes this connection, and why
==============  =========  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from livedance_lab.errors import WireError

__all__ = ["CLOSE_CODES", "PROTOCOL_VERSION", "Clock", "ClientMessage", "CreateSession", "End", "Follow", "Hello",
           "LegacyFrame", "Mark", "PacingSwitch", "Ping", "Receipts", "SettingsChange", "Skipped", "Stats",
           "encode_json", "parse_client_message", "parse_json", "validate", "version_refusal"]  # fmt: skip

PROTOCOL_VERSION = 2

CLOSE_CODES = {"token": 4401, "version": 4406, "busy": 4409, "protocol": 4400, "replaced": 4410, "rate": 4429,
               "shutdown": 1001}  # fmt: skip
"""WebSocket close codes by error code (4000-4999 are for applications, RFC 6455 section 7.4.2)."""

SESSION_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Pattern of a session's id, which is also safe as a file name."""

Seq = Annotated[int, Field(ge=0, le=2**32 - 1)]
Time = Annotated[float, Field(allow_inf_nan=False)]

_MAX_DEPTH = 20
_MAX_VALUES = 100_000  # in one message: parsed values take memory; a report of 10 000 frames has a third as many


def _shallow(data: dict[str, Any]) -> dict[str, Any]:
    """Refuse data that is nested too deeply: it could be parsed, but not be encoded again."""
    level: list[Any] = [data]
    for _ in range(_MAX_DEPTH):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return data
    raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


Plain = Annotated[dict[str, Any], AfterValidator(_shallow)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Hello(_Message):
    """The first message of every connection."""

    type: Literal["hello"]
    version: int
    token: str = Field(default="", max_length=200)
    role: Literal["producer", "viewer"] = "producer"
    session: str | None = Field(default=None, pattern=SESSION_ID)
    settings: Plain = Field(default_factory=dict)
    client: dict[str, str | int | float | bool | None] = Field(default_factory=dict, max_length=40)
    unanswered: list[Seq] = Field(default_factory=list, max_length=10_000)
    """On reconnection: sent frames whose final state the client does not know."""
    results: Literal["json", "binary"] = "json"
    """Requested encoding of results: JSON text, or `livedance_lab.wire.results_binary`."""


class Ping(_Message):
    """A clock exchange; the answer repeats `t_s` unchanged."""

    type: Literal["ping"]
    t_s: Time


class Clock(_Message):
    """The client's estimate of server clock minus client clock."""

    type: Literal["clock"]
    offset_s: Annotated[float, Field(ge=-1e10, le=1e10)]
    uncertainty_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Receipts(_Message):
    """When results reached the client and were first painted, client clock: [seq, t_result_s, t_paint_s]."""

    type: Literal["receipts"]
    frames: list[tuple[Seq, Time | None, Time | None]] = Field(max_length=10_000)


class Skipped(_Message):
    """Frames that were captured but never sent: [seq, t_capture_s]."""

    type: Literal["skipped"]
    frames: list[tuple[Seq, Time]] = Field(max_length=10_000)


class PacingSwitch(_Message):
    """`auto` pacing has switched; for the event log. Unknown measurements are null."""

    type: Literal["pacing"]
    to: Literal["paced", "free"]
    reason: str = Field(max_length=200)
    round_trip_s: Time | None
    offered_hz: Time | None
    results_hz: Time | None
    server_s: Time | None
    window: Annotated[int, Field(ge=1, le=64)]
    load: Time | None


class SettingsChange(_Message):
    """Request other settings."""

    type: Literal["settings"]
    changes: Plain = Field(min_length=1, max_length=40)
    by: str = Field(default="", max_length=80)


class Follow(_Message):
    """Follow another person: results have this person's values under their own names."""

    type: Literal["follow"]
    person: Annotated[int, Field(ge=1, le=2**32 - 1)]


class Mark(_Message):
    """A marker; `t_s` is a time of the client's clock, absent: the moment of arrival."""

    type: Literal["mark"]
    name: str = Field(min_length=1, max_length=200)
    data: Plain = Field(default_factory=dict, max_length=100)
    t_s: Time | None = None


class Stats(_Message):
    """Statistics of the browser, by name."""

    type: Literal["stats"]
    values: dict[str, str | float | int | bool | None] = Field(max_length=60)


class End(_Message):
    """No more frames will come. `captured` is the number of frames the client captured in total."""

    type: Literal["end"]
    captured: Annotated[int, Field(ge=0, le=2**32)]


class LegacyFrame(_Message):
    """A frame as the original LiveDance demo sent it: a base64 data URL in JSON."""

    image: str
    timestamp: Time
    sequence: Seq


class CreateSession(BaseModel):
    """Body of ``POST /sessions``: the id of the new session, and changes to the server's default settings."""

    session: str | None = Field(default=None, pattern=SESSION_ID)
    settings: Plain = Field(default_factory=dict)


ClientMessage = Hello | Ping | Clock | Receipts | Skipped | PacingSwitch | SettingsChange | Follow | Mark | Stats | End
_ADAPTER: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
_LEGACY_KEYS = {"image", "timestamp", "sequence"}
_T = TypeVar("_T")
_Model = TypeVar("_Model", bound=BaseModel)


def version_refusal(got: object) -> str:
    """Return the text of an error with code "version": it names the expected version and the one that came."""
    return (
        f"expected protocol version {PROTOCOL_VERSION}, got {got!r:.40}: "
        "install the same version of livedance_lab on both sides."
    )


def parse_json(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises
    ------
    WireError
        Code "json": the text is anything else. Code "size": it holds more values than any message does.
    """
    commas = text.count(",") if isinstance(text, str) else text.count(b",")
    if commas > _MAX_VALUES:
        raise WireError("size", f"a message may hold {_MAX_VALUES} values, this one holds about {commas}.")
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise WireError("json", f"a JSON object was expected: {exc}.") from exc
    if not isinstance(data, dict):
        raise WireError("json", f"a JSON object was expected, got {type(data).__name__}.")
    return data


def encode_json(message: dict[str, Any] | list[Any]) -> str:
    """Return a message as JSON text; numpy arrays become lists, NaN becomes null."""
    return orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def validate(model: type[_Model], data: dict[str, Any]) -> _Model:
    """Return a JSON object as a model.

    Raises
    ------
    WireError
        Code "message": a field is missing, unknown or out of range; the text names it.
    """
    return _validate(model.model_validate, data)


def _validate(validator: Callable[[Any], _T], data: dict[str, Any]) -> _T:
    try:
        return validator(data)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        where = ".".join(str(p) for p in first["loc"])
        raise WireError("message", f"message not understood: {where}: {first['msg']}."[:500]) from exc


def parse_client_message(message: str | bytes | dict[str, Any]) -> ClientMessage | LegacyFrame:
    """Parse a message of a client.

    Parameters
    ----------
    message : str, bytes or dict
        One JSON text message, or its object.

    Returns
    -------
    ClientMessage or LegacyFrame

    Raises
    ------
    WireError
        As `parse_json` and `validate`.
    """
    data = message if isinstance(message, dict) else parse_json(message)
    if "type" not in data and data.keys() >= _LEGACY_KEYS:
        return validate(LegacyFrame, {key: data[key] for key in _LEGACY_KEYS})
    return _validate(_ADAPTER.validate_python, data)
