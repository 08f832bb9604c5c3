"""What can be said over the socket, in both directions: version 1.

Frames are binary (`livedance_lab.wire.frames`), and so are results for a client that says so in its hello
(`livedance_lab.wire.results_binary`); everything else, both ways, is JSON text with a `type`. Times are seconds: a
client writes its own clock, the server answers in the server's clock. JSON has no NaN: unknown is `null`.

==============  =========  ==================================================================================
type            direction  meaning
==============  =========  ==================================================================================
hello           up         first message: version, token, role, session; nothing else is heard before it
welcome         down       accepted: session id, settings, angle names and places, limits; on resume, how frames ended
(binary)        up         one frame
result          down       what a frame gave; acknowledges every frame up to `seq`; binary to who asked for it
refused         down       frame `seq` was rejected or failed, in words; acknowledges every frame up to `seq`
ping / pong     both       clock exchange, `livedance_lab.clock.OffsetEstimator`
clock           up         the client's offset estimate, so that the server can map its times
receipts        up         when results arrived and were painted
skipped         up         captured frames that were never sent
pacing          up         `auto` pacing has switched: to what, and by which measurements
settings        both       up: changes asked for; down: the new settings in force, with their version
mark            up         a marker for the event log
stats           up         a browser's own readings (camera and painted FPS ...), passed on to the viewers
event           down       something worth logging happened (settings, clock, mark, reconnect ...)
stats           down       the newest readings of the producer, for viewers
end             up         no more frames: finish, close the ledger; answered by `ended`
ended           down       the final ledger
error           down       in words, with a code; `fatal` says whether the connection is closed
bye             down       the server is closing this connection on purpose, and why
==============  =========  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from livedance_lab.errors import WireError

__all__ = [
    "CLOSE_CODES",
    "PROTOCOL_VERSION",
    "Clock",
    "ClientMessage",
    "End",
    "Hello",
    "LegacyFrame",
    "Mark",
    "PacingSwitch",
    "Ping",
    "Receipts",
    "SettingsChange",
    "Skipped",
    "Stats",
    "encode_json",
    "parse_client_message",
    "parse_json",
]

PROTOCOL_VERSION = 1

CLOSE_CODES = {"token": 4401, "version": 4406, "busy": 4409, "protocol": 4400, "replaced": 4410, "rate": 4429,
               "shutdown": 1001}  # fmt: skip
"""WebSocket close codes by error code (4000-4999 are for applications, RFC 6455 section 7.4.2)."""

SESSION_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""What a session may be called: also safe as a file name."""

Seq = Annotated[int, Field(ge=0, le=2**32 - 1)]
Time = Annotated[float, Field(allow_inf_nan=False)]

_MOST_LEVELS = 20
_MOST_VALUES = 100_000  # in one message: a report of 10 000 frames has a third of it, and each takes memory once read


def _shallow(data: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is nested so deeply that it could be read but not be written again."""
    level: list[Any] = [data]
    for _ in range(_MOST_LEVELS):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return data
    raise ValueError(f"nested deeper than {_MOST_LEVELS} levels")


def _inside(value: Any) -> Iterable[Any]:
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
    """On reconnection: sent frames whose end the client does not know."""
    results: Literal["json", "binary"] = "json"
    """The form in which results come: text, or `livedance_lab.wire.results_binary`."""


class Ping(_Message):
    """Clock exchange; `t_s` comes back unchanged."""

    type: Literal["ping"]
    t_s: Time


class Clock(_Message):
    """Server clock minus client clock, as the client estimates it."""

    type: Literal["clock"]
    offset_s: Annotated[float, Field(ge=-1e10, le=1e10)]
    uncertainty_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Receipts(_Message):
    """When results reached the client and were first painted, on its clock: [seq, t_result_s, t_paint_s]."""

    type: Literal["receipts"]
    frames: list[tuple[Seq, Time | None, Time | None]] = Field(max_length=10_000)


class Skipped(_Message):
    """Captured, never sent: [seq, t_capture_s]."""

    type: Literal["skipped"]
    frames: list[tuple[Seq, Time]] = Field(max_length=10_000)


class PacingSwitch(_Message):
    """`auto` pacing has switched, for the event log; NaN is null."""

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
    """Ask for other settings."""

    type: Literal["settings"]
    changes: Plain = Field(min_length=1, max_length=40)
    by: str = Field(default="", max_length=80)


class Mark(_Message):
    """A marker; `t_s` on the client's clock, or the moment of arrival when absent."""

    type: Literal["mark"]
    name: str = Field(min_length=1, max_length=200)
    data: Plain = Field(default_factory=dict, max_length=100)
    t_s: Time | None = None


class Stats(_Message):
    """The browser's own readings, by name."""

    type: Literal["stats"]
    values: dict[str, str | float | int | bool | None] = Field(max_length=60)


class End(_Message):
    """No more frames. `captured` is how many the client captured in all."""

    type: Literal["end"]
    captured: Annotated[int, Field(ge=0, le=2**32)]


class LegacyFrame(_Message):
    """A frame as the original LiveDance demo sent it: a base64 data URL in JSON."""

    image: str
    timestamp: Time
    sequence: Seq


ClientMessage = Hello | Ping | Clock | Receipts | Skipped | PacingSwitch | SettingsChange | Mark | Stats | End
_ADAPTER: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
_LEGACY_KEYS = {"image", "timestamp", "sequence"}


def parse_json(text: str | bytes) -> dict[str, Any]:
    """A JSON object.

    Raises
    ------
    WireError
        Code "json", if the text is something else; "size", if it holds more values than any message does.
    """
    commas = text.count(",") if isinstance(text, str) else text.count(b",")
    if commas > _MOST_VALUES:
        raise WireError("size", f"a message may hold {_MOST_VALUES} values, this one holds about {commas}.")
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise WireError("json", f"a JSON object was expected: {exc}.") from exc
    if not isinstance(data, dict):
        raise WireError("json", f"a JSON object was expected, got {type(data).__name__}.")
    return data


def encode_json(message: dict[str, Any] | list[Any]) -> str:
    """A message as JSON text; numpy arrays are lists, NaN is null."""
    return orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def parse_client_message(said: str | bytes | dict[str, Any]) -> ClientMessage | LegacyFrame:
    """What a client said.

    Parameters
    ----------
    said : str, bytes or dict
        One JSON text message, or its object.

    Returns
    -------
    ClientMessage or LegacyFrame

    Raises
    ------
    WireError
        With code "json", or "message" (unknown type or field) and words that name both.
    """
    data = said if isinstance(said, dict) else parse_json(said)
    try:
        if "type" not in data and data.keys() >= _LEGACY_KEYS:
            return LegacyFrame.model_validate({k: data[k] for k in _LEGACY_KEYS})
        return _ADAPTER.validate_python(data)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        where = ".".join(str(p) for p in first["loc"])
        raise WireError("message", f"message not understood: {where}: {first['msg']}."[:500]) from exc
