"""Messages made from the types of the `openai` package: whatever those can say, our wire must carry.

A type is walked down to its leaves. `paths` gives the dotted names of all fields, union branches merged; `messages` is
a Hypothesis strategy of JSON values that the type accepts.
"""

from __future__ import annotations

import functools
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from openai.types.realtime.realtime_client_event import RealtimeClientEvent
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from openai.types.realtime.realtime_translation_client_event import RealtimeTranslationClientEvent
from openai.types.realtime.realtime_translation_server_event import RealtimeTranslationServerEvent
from pydantic import BaseModel

Json = Any


def branches(annotation: Any) -> list[Any]:
    """The types of a union, however it is dressed up."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return branches(get_args(annotation)[0])
    if origin is Union or origin is types.UnionType:
        return [leaf for part in get_args(annotation) for leaf in branches(part)]
    return [annotation]


def events_by_type(union: Any) -> dict[str, type[BaseModel]]:
    """The event classes of one of the SDK's unions."""
    return {get_args(event.model_fields["type"].annotation)[0]: event for event in branches(union)}


SDK_CLIENT_EVENTS = events_by_type(RealtimeClientEvent)
SDK_SERVER_EVENTS = events_by_type(RealtimeServerEvent)
SDK_TRANSLATION_CLIENT_EVENTS = events_by_type(RealtimeTranslationClientEvent)
SDK_TRANSLATION_SERVER_EVENTS = events_by_type(RealtimeTranslationServerEvent)


def paths(annotation: Any, prefix: str = "") -> dict[str, bool]:
    """All fields below a type, and of each whether every branch that has it requires it."""
    found: dict[str, bool] = {}
    for branch in branches(annotation):
        if get_origin(branch) is list:
            below = paths(get_args(branch)[0], prefix + "[]")
        elif isinstance(branch, type) and issubclass(branch, BaseModel):
            below = {}
            for name, field in branch.model_fields.items():
                path = f"{prefix}.{name}".removeprefix(".")
                below[path] = field.is_required()
                below |= paths(field.annotation, path)
        else:
            continue
        for path, required in below.items():
            found[path] = required and found.get(path, True)
    return found


# Where a type says less than the protocol: names of fields, and what may stand there.
_WORDS = st.text(max_size=12)
_BASE64 = st.sampled_from(["", "AAAA", "//8A", "AA==", "+/A="])
_FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "threshold": st.floats(0, 1),
    "retention_ratio": st.floats(0, 1),
    "speed": st.floats(0.25, 1.5),
    "max_output_tokens": st.one_of(st.integers(1, 4096), st.just("inf")),
    "metadata": st.dictionaries(_WORDS, _WORDS, max_size=3),
    "variables": st.dictionaries(_WORDS, _WORDS, max_size=3),
    "rate": st.just(24_000),
}


def _leaf(annotation: Any) -> st.SearchStrategy[Json]:
    plain: dict[Any, st.SearchStrategy[Json]] = {
        str: _WORDS,
        int: st.integers(0, 100_000),
        float: st.floats(-1e6, 1e6, allow_nan=False),
        bool: st.booleans(),
        type(None): st.none(),
        object: st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(-100, 100), _WORDS),
            lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_WORDS, inner, max_size=3)),
            max_leaves=4,
        ),
    }
    return plain[annotation]


def messages(annotation: Any) -> st.SearchStrategy[Json]:
    """JSON values that the type accepts, optional fields present or not, null where it may be."""
    return st.one_of([_branch(branch) for branch in branches(annotation)])


@functools.cache
def _branch(branch: Any) -> st.SearchStrategy[Json]:
    origin = get_origin(branch)
    if origin is Literal:
        return st.sampled_from(get_args(branch))
    if origin is list:
        return st.lists(messages(get_args(branch)[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(_WORDS, messages(get_args(branch)[1]), max_size=2)
    if isinstance(branch, type) and issubclass(branch, BaseModel):
        return _object(branch)
    return _leaf(branch)


def _object(model: type[BaseModel]) -> st.SearchStrategy[Json]:
    required: dict[str, st.SearchStrategy[Json]] = {}
    optional: dict[str, st.SearchStrategy[Json]] = {}
    for name, field in model.model_fields.items():
        value = _FIELDS[name] if name in _FIELDS else messages(field.annotation)
        if name == "audio" and field.annotation is str:
            value = _BASE64
        if name == "delta" and "audio.delta" in str(model.model_fields.get("type")):
            value = _BASE64
        (required if field.is_required() else optional)[name] = value
    # A discriminator may be optional in the SDK's types; the API requires it.
    if "type" in optional and model.__name__ not in {"Content", "Part"}:
        required["type"] = optional.pop("type").filter(lambda value: value is not None)
    return st.fixed_dictionaries(required, optional=optional)
