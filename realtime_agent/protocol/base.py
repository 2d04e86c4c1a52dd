"""What all models of the wire share: extras kept, immutable, and how strict to be with whom.

Strictness has three settings, told apart by pydantic's validation context:

- *in Python* (no context): strict. A configuration that the protocol cannot carry is refused where it is written.
- *from a client* (`FROM_CLIENT`): strict. The server answers with an error that names the field.
- *from a server* (`FROM_SERVER`): lenient wherever meaning can be kept. Servers grow new statuses, item types and
  voices, compatible ones leave fields out or send milliseconds as decimals, and a client that stopped at each would be
  of little use.

`model_fields_set` says which fields were present; only those are encoded, so that null keeps its meaning ("clear it").
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, FailFast, Strict, ValidationInfo
from pydantic_core import PydanticCustomError

# Integers beyond this are not exact in the other side's JSON reader (IEEE 754 double), and overflow arithmetic in ours.
_MAX_EXACT_INTEGER = 2**53


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message came from, and so how it is to be judged."""

    lenient: bool


FROM_CLIENT = Origin(lenient=False)
FROM_SERVER = Origin(lenient=True)


def is_lenient(info: ValidationInfo) -> bool:
    """Whether what is being validated came from a server."""
    return info.context is FROM_SERVER


def _whole(value: Any, info: ValidationInfo) -> Any:
    if type(value) is float and is_lenient(info) and math.isfinite(value):
        value = round(value)
    if type(value) is not int:
        raise PydanticCustomError("int_type", "expected an integer")
    if abs(value) > _MAX_EXACT_INTEGER:
        raise PydanticCustomError("int_range", "integer out of range")
    return value


def _number(value: Any) -> Any:
    if type(value) is int and abs(value) > _MAX_EXACT_INTEGER:
        raise PydanticCustomError("float_range", "number out of range")
    return value


Int = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, Strict(), BeforeValidator(_number)]
Flag = Annotated[bool, Strict()]

_T = TypeVar("_T")


class _FirstError(FailFast):
    __hash__ = object.__hash__  # `X | None` needs its parts hashable, which pydantic's own marker is not


# A list that is judged up to its first bad entry: to report half a million of them took 3 s of the server's time.
Many = Annotated[list[_T], _FirstError()]


def missing(field: str) -> PydanticCustomError:
    """The error for a field that the protocol requires and Python, or a sloppy server, may leave out."""
    return PydanticCustomError("missing", "required", {"field": field})


def one_of(*allowed: str) -> AfterValidator:
    """One of these words; from a server any word."""
    words = frozenset(allowed)
    listed = ", ".join(f"'{word}'" for word in allowed)

    def check(value: str, info: ValidationInfo) -> str:
        if value not in words and not is_lenient(info):
            raise PydanticCustomError("one_of", "must be one of {listed}", {"listed": listed})
        return value

    return AfterValidator(check)


def between(low: float, high: float) -> AfterValidator:
    """A number within bounds, both included; from a server any number."""

    def check(value: float, info: ValidationInfo) -> float:
        if not low <= value <= high and not is_lenient(info):
            raise PydanticCustomError("between", "must be between {low} and {high}", {"low": low, "high": high})
        return value

    return AfterValidator(check)


class Model(BaseModel):
    """A part of a message: immutable, and fields that we do not know are kept."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        defer_build=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        arbitrary_types_allowed=False,
    )


class Variant(Model):
    """A part that its `type` tells apart. Written in Python, `type` counts as present although nobody spells it out."""

    def model_post_init(self, context: Any, /) -> None:
        if context is None and getattr(self, "type", None) is not None:
            self.__pydantic_fields_set__.add("type")


class UnknownVariant(Variant):
    """A part of a type that this release does not know, kept as it came. From a server only."""

    type: str | None = None

    def model_post_init(self, context: Any, /) -> None:
        if context is FROM_CLIENT:
            raise PydanticCustomError("unknown_type", "unknown type", {"field": "type"})


def variant(*known: str) -> Callable[[Any], str]:
    """A discriminator by `type`; what is not known goes to the tag `<unknown>`."""
    tags = {name: f"<{name}>" for name in known}

    def discriminate(value: Any) -> str:
        kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        return tags.get(kind, "<unknown>") if isinstance(kind, str) else "<unknown>"

    return discriminate


class Event(Model):
    """A message. `type` belongs to the class and is written by the codec."""

    type: ClassVar[str]

    event_id: str | None = None


class ClientEventBase(Event):
    """From the client to the server. An `event_id`, where given, comes back in the error that the event causes."""


class ServerEventBase(Event):
    """From the server to the client. Servers always set `event_id` (but for DTMF events)."""
