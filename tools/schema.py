"""From a plain function to the JSON schema that the model sees, and from the model's JSON back to Python values.

The rules, for somebody who writes a tool:

- The annotation is the type, the default makes a parameter optional. Anything that pydantic understands works: numbers,
  `str`, `bool`, `Literal`, `Enum`, `date`, `datetime`, `time`, `UUID`, `list[...]`, dataclasses, TypedDicts, models.
- Descriptions come from the docstring (Google, NumPy or Sphinx style), or from `Annotated[str, "the city"]` or
  `Annotated[int, Field(description=..., ge=1)]`, which win.
- A parameter without an annotation takes the type of its default; without that it takes any JSON value, as it comes.
- A parameter annotated `ToolContext` is given by us and not shown to the model.
"""

from __future__ import annotations

import datetime
import enum
import functools
import inspect
import types
import typing
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from realtime_agent.errors import ConfigError, ToolArgumentsInvalid
from realtime_agent.tools import docstring
from realtime_agent.tools.context import ToolContext
from realtime_agent.tools.tidy import tidy
from realtime_agent.tools.typed_dict import readable

# The types whose name a default may lend to a parameter without an annotation.
_TYPES_OF_DEFAULTS = (bool, int, float, str, enum.Enum, datetime.date, datetime.time, datetime.timedelta, uuid.UUID)
_PLAIN_DEFAULTS = (*_TYPES_OF_DEFAULTS, type(None), list, dict, tuple, set, frozenset, BaseModel)
_MOST_COMPLAINTS = 8

# Models forget the quotes where text is asked and looks like a number. NaN is not JSON, but parsers let it pass.
_CONFIG = ConfigDict(extra="forbid", coerce_numbers_to_str=True, allow_inf_nan=False)
_NO_SCHEMA = (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, PydanticUserError, TypeError)


class _Quiet(GenerateJsonSchema):
    # A default that is not JSON is still the default; the model just isn't told.
    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 (so the base declares it)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The parameters of one function, for both directions.

    Attributes:
        schema: a JSON schema of type object; no titles, `additionalProperties` false, references inlined.
        context_parameter: the name of the parameter that takes the `ToolContext`, if there is one.
    """

    schema: Mapping[str, Any]
    context_parameter: str | None
    _model: type[BaseModel]
    _names: tuple[tuple[str, str], ...]  # (field of the model, parameter)

    def read(self, arguments: str | bytes) -> dict[str, Any]:
        """The arguments as real Python values, defaults included.

        Raises:
            ToolArgumentsInvalid: in words from which the model can repair its call.
        """
        if not arguments.strip() or arguments.strip() in ("null", b"null"):
            arguments = "{}"  # what models send for a tool without parameters
        try:
            values = self._model.model_validate_json(arguments).__dict__
        except ValidationError as error:
            raise ToolArgumentsInvalid(self._complaint(error)) from None
        return {name: values[field] for field, name in self._names}

    def _complaint(self, error: ValidationError) -> str:
        # `input` stays out: it is what somebody said.
        told = []
        for one in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_COMPLAINTS]:
            place = ".".join(map(str, one["loc"]))
            match one["type"]:
                case "json_invalid" | "string_unicode" if not place:
                    told.append("the arguments are not valid JSON")
                case "missing":
                    told.append(f"{place!r} is missing")
                case "extra_forbidden":
                    known = ", ".join(repr(name) for _, name in self._names) or "none"
                    told.append(f"{place!r} is not a parameter (there are: {known})")
                case _:
                    told.append(f"{place!r}: {one['msg']}" if place else one["msg"])
        return f"Invalid arguments: {'; '.join(told)}. Call the tool again with arguments that fit its schema."


def read_function(
    function: Callable[..., Any],
    name: str,
    local_names: Mapping[str, Any] | None = None,
    *,
    skip_self: bool = False,
) -> tuple[Arguments, str]:
    """The parameters of `function`, and its description.

    `name` is what error messages call it, `local_names` where its annotations may find names besides its module's,
    `skip_self` leaves out the first parameter.

    Raises:
        ConfigError: the function cannot be called by a model; names the parameter and says what to do.
    """
    described = docstring.parse(inspect.getdoc(innermost(function)))
    context_parameter = None
    fields: dict[str, Any] = {}
    names: list[tuple[str, str]] = []
    for parameter in _parameters(function, name)[skip_self:]:
        annotation = _annotation(function, name, parameter, local_names or {})
        if _is_context(annotation):
            if context_parameter is not None:
                raise ConfigError(f"{name}(): only one parameter can be a ToolContext.")
            context_parameter = parameter.name
            continue
        # Pydantic reserves some names for itself ("json", "copy", "_x"), so fields are numbered and aliased.
        field = f"p{len(names)}"
        definition = _field(parameter, annotation, described.parameters.get(parameter.name) or None)
        fields[field] = definition
        names.append((field, parameter.name))
    try:
        model = create_model("Arguments", __config__=_CONFIG, **fields)
        schema = tidy(model.model_json_schema(schema_generator=_Quiet))
    except _NO_SCHEMA:
        for field, parameter_name in names:
            _check(name, parameter_name, fields[field])  # names the guilty one
        raise
    schema.pop("description", None)
    return Arguments(schema, context_parameter, model, tuple(names)), described.description


def _parameters(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise ConfigError(
            f"{name}() cannot be a tool: Python does not tell its parameters. Wrap it in a def."
        ) from None
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            raise ConfigError(
                f"{name}(): the model cannot fill {stars}{parameter.name}. "
                f"Name each parameter, or take one list: `{parameter.name}: list[str]`."
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ConfigError(
                f"{name}(): parameter {parameter.name!r} is positional-only, and a model calls by name. "
                "Remove the `/` from the signature."
            )
    return parameters


def _annotation(
    function: Callable[..., Any], name: str, parameter: inspect.Parameter, local_names: Mapping[str, Any]
) -> Any:
    if parameter.annotation is parameter.empty:
        default = parameter.default
        return type(default) if isinstance(default, _TYPES_OF_DEFAULTS) else Any
    home = getattr(innermost(function), "__globals__", {})
    holder = types.SimpleNamespace(__annotations__={"it": parameter.annotation})
    try:
        hints = typing.get_type_hints(holder, home, dict(local_names), include_extras=True)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise ConfigError(
            f"{name}(): the annotation of parameter {parameter.name!r} cannot be read ({error}). "
            "Import the type at the top of the module, outside `if TYPE_CHECKING:`."
        ) from None
    return readable(hints["it"])


def innermost(function: Callable[..., Any]) -> Any:
    """The function in which the work is written: below partials, bound methods, decorators and callable objects."""
    inner: Any = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    if not inspect.isroutine(inner) and not inspect.isclass(inner):
        inner = type(inner).__call__
    return inspect.unwrap(getattr(inner, "__func__", inner))


def _is_context(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(_is_context(choice) for choice in typing.get_args(annotation))
    return annotation is ToolContext


def _field(parameter: inspect.Parameter, annotation: Any, described: str | None) -> tuple[Any, Any]:
    """One field of the model: the annotation with all that is said about it, and alias and default."""
    extras = typing.get_args(annotation)[1:] if typing.get_origin(annotation) is Annotated else ()
    for extra in extras:
        # `Annotated[str, "the city"]` and typing_extensions.Doc("the city")
        text = extra if isinstance(extra, str) else getattr(extra, "documentation", None)
        if isinstance(text, str):
            described = text
    default: dict[str, Any] = {}
    if isinstance(parameter.default, FieldInfo):
        annotation = Annotated[annotation, parameter.default]
        extras = (*extras, parameter.default)
    elif isinstance(parameter.default, _PLAIN_DEFAULTS):
        default = {"default": parameter.default}
    elif parameter.default is not parameter.empty:
        value = parameter.default
        default = {"default_factory": lambda: value}
    for extra in extras:
        if isinstance(extra, FieldInfo) and extra.description:
            described = extra.description
    alias = parameter.name
    return annotation, Field(
        alias=alias, validation_alias=alias, serialization_alias=alias, description=described, **default
    )


def _check(name: str, parameter: str, definition: tuple[Any, Any]) -> None:
    """Try one parameter alone, so that the error can name it."""
    try:
        create_model("Arguments", __config__=_CONFIG, it=definition).model_json_schema(schema_generator=_Quiet)
    except _NO_SCHEMA as error:
        annotation = definition[0]
        written = annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
        reason = "" if isinstance(error, PydanticSchemaGenerationError) else f" ({str(error).splitlines()[0]})"
        raise ConfigError(
            f"{name}(): parameter {parameter!r} is annotated {written}, which has no JSON schema, so no model can fill "
            f"it{reason}. Take something that can be said in JSON (str, int, float, bool, date, Enum, Literal, list, a "
            "dataclass or a pydantic model), and make the rest from it inside the function; what belongs to your "
            "program can come from a closure or from `ToolContext.session`."
        ) from None
