"""Lets annotations use `typing.TypedDict` on Python 3.11, where pydantic reads only that of typing_extensions."""

from __future__ import annotations

import functools
import operator
import sys
import types
import typing
from typing import Any

import typing_extensions


def readable(annotation: Any) -> Any:
    """The same annotation with every `typing.TypedDict` in it replaced by an equal one that pydantic can read."""
    if sys.version_info >= (3, 12):
        return annotation
    return _rebuild(annotation, {})


def _rebuild(annotation: Any, made: dict[Any, Any]) -> Any:
    if typing.is_typeddict(annotation):
        return _convert(annotation, made)
    origin = typing.get_origin(annotation)
    if origin is None or origin is typing.Literal:
        return annotation
    if origin is typing.Annotated:
        inner, *extras = typing.get_args(annotation)
        return typing.Annotated[(_rebuild(inner, made), *extras)]
    before = typing.get_args(annotation)
    after = tuple(_rebuild(part, made) for part in before)
    if all(new is old for new, old in zip(after, before, strict=True)):
        return annotation
    if origin in (typing.Union, types.UnionType):
        return functools.reduce(operator.or_, after)
    return origin[after]


def _convert(annotation: Any, made: dict[Any, Any]) -> Any:
    if annotation in made:
        # One that holds itself stays as it is: pydantic then says what to import instead.
        return made[annotation] or annotation
    made[annotation] = None
    fields = {}
    for name, hint in typing.get_type_hints(annotation, include_extras=True).items():
        # What is written beats `__required_keys__`, which is wrong where annotations are strings.
        asked: Any = typing.Required if name in annotation.__required_keys__ else typing.NotRequired
        inner = hint
        if typing.get_origin(hint) in (typing.Required, typing.NotRequired):
            asked, (inner,) = typing.get_origin(hint), typing.get_args(hint)
        fields[name] = asked[_rebuild(inner, made)]
    make: Any = typing_extensions.TypedDict  # the functional form, with names that a checker cannot know
    new = make(annotation.__name__, fields)
    new.__doc__ = annotation.__doc__
    made[annotation] = new
    return new
