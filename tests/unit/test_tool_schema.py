"""A plain function becomes a JSON schema; JSON becomes Python values."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import json
import socket
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from pydantic import BaseModel, Field

from realtime_agent.errors import ConfigError, ToolArgumentsInvalid
from realtime_agent.tools import Tool, ToolContext, tool

if TYPE_CHECKING:
    from fractions import Fraction


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 1.0


class Address(TypedDict):
    street: str
    lines: NotRequired[list[str]]


class Guest(BaseModel):
    name: str
    age: int = Field(ge=0)


@dataclasses.dataclass
class Branch:
    twigs: list[Branch]


def properties(made: Tool) -> dict[str, Any]:
    found = made.parameters["properties"]
    assert isinstance(found, dict)
    return found


def of_type(annotation: Any) -> dict[str, Any]:
    def probe(value: Any) -> None: ...

    probe.__annotations__["value"] = annotation
    schema = properties(tool(probe))["value"]
    assert isinstance(schema, dict)
    return schema


def read(made: Tool, **arguments: Any) -> dict[str, Any]:
    return made.arguments.read(json.dumps(arguments))


def test_signature_annotations_and_docstring_become_one_schema() -> None:
    @tool
    def book(city: str, nights: int = 2, kind: Literal["single", "double"] = "single") -> str:
        """Book a hotel room.

        Args:
            city: where to stay
            nights: how long
        """
        return city

    assert book.name == "book"
    assert book.description == "Book a hotel room."
    assert book.parameters == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "city": {"type": "string", "description": "where to stay"},
            "nights": {"type": "integer", "default": 2, "description": "how long"},
            "kind": {"type": "string", "enum": ["single", "double"], "default": "single"},
        },
        "required": ["city"],
    }


def test_a_function_without_parameters_has_an_empty_object() -> None:
    @tool
    def ping() -> None: ...

    assert ping.parameters == {"type": "object", "additionalProperties": False, "properties": {}, "required": []}


@pytest.mark.parametrize("arguments", ["", "  ", "null", "{}"])
def test_no_arguments_may_be_said_in_every_way_that_models_say_it(arguments: str) -> None:
    @tool
    def ping() -> None: ...

    assert ping.arguments.read(arguments) == {}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Literal["only"], {"type": "string", "enum": ["only"]}),
        (Colour, {"type": "string", "enum": ["red", "blue"]}),
        (datetime.date, {"type": "string", "format": "date"}),
        (datetime.time, {"type": "string", "format": "time"}),
        (datetime.datetime, {"type": "string", "format": "date-time"}),
        (uuid.UUID, {"type": "string", "format": "uuid"}),
        (Annotated[str, "the city"], {"type": "string", "description": "the city"}),
        (
            Annotated[int, Field(ge=1, description="how many")],
            {"type": "integer", "minimum": 1, "description": "how many"},
        ),
    ],
)
def test_each_type_has_the_schema_that_models_know(annotation: Any, schema: dict[str, Any]) -> None:
    assert of_type(annotation) == schema


def test_an_optional_parameter_is_shown_as_what_it_is_when_given() -> None:
    @tool
    def wake(at: datetime.time | None = None, day: Literal["mon", "tue"] | int | None = None) -> None: ...

    assert properties(wake)["at"] == {"type": "string", "format": "time"}
    assert properties(wake)["day"] == {"anyOf": [{"type": "string", "enum": ["mon", "tue"]}, {"type": "integer"}]}
    assert wake.parameters["required"] == []
    assert read(wake, at=None) == {"at": None, "day": None}


def test_a_required_parameter_that_may_be_null_says_so() -> None:
    assert of_type(int | None) == {"anyOf": [{"type": "integer"}, {"type": "null"}]}


def test_nested_types_are_written_out_and_have_no_titles() -> None:
    @tool
    def place(point: Point, guests: list[Guest], home: Address) -> None: ...

    text = json.dumps(place.parameters)
    assert "$ref" not in text
    assert "title" not in text
    assert properties(place)["guests"]["items"]["properties"]["age"] == {"type": "integer", "minimum": 0}
    assert properties(place)["home"]["required"] == ["street"]


def test_a_property_that_is_called_title_stays() -> None:
    @tool
    def publish(title: str, song: Annotated[Guest, "who sings"]) -> None: ...

    assert properties(publish)["title"] == {"type": "string"}
    assert properties(publish)["song"]["description"] == "who sings"


def test_a_type_that_contains_itself_keeps_its_definition() -> None:
    @tool
    def grow(first: Branch, second: Branch) -> None: ...

    assert properties(grow)["first"] == {"$ref": "#/$defs/Branch"}
    assert "Branch" in grow.parameters["$defs"]
    assert read(grow, first={"twigs": [{"twigs": []}]}, second={"twigs": []})["first"] == Branch([Branch([])])


def test_arguments_become_real_python_values() -> None:
    @tool
    def everything(
        day: datetime.date,
        colour: Colour,
        point: Point,
        guest: Guest,
        home: Address,
        number: uuid.UUID,
        count: int = 3,
    ) -> None: ...

    number = uuid.uuid4()
    assert read(
        everything,
        day="2026-11-20",
        colour="blue",
        point={"x": 4},
        guest={"name": "Ada", "age": 36},
        home={"street": "Main", "lines": ["a"]},
        number=str(number),
    ) == {
        "day": datetime.date(2026, 11, 20),
        "colour": Colour.BLUE,
        "point": Point(4),
        "guest": Guest(name="Ada", age=36),
        "home": {"street": "Main", "lines": ["a"]},
        "number": number,
        "count": 3,
    }


def test_a_number_is_accepted_where_text_is_asked_and_the_other_way_round() -> None:
    @tool
    def post(code: str, count: int) -> None: ...

    assert read(post, code=1040, count="3") == {"code": "1040", "count": 3}


def test_names_that_pydantic_keeps_for_itself_can_be_parameters() -> None:
    @tool
    def odd(json: str, copy: int, _hidden: int, model_config: int, self_: int = 1) -> None: ...

    assert list(properties(odd)) == ["json", "copy", "_hidden", "model_config", "self_"]
    assert read(odd, json="a", copy=1, _hidden=2, model_config=3) == {
        "json": "a",
        "copy": 1,
        "_hidden": 2,
        "model_config": 3,
        "self_": 1,
    }


def test_a_default_may_be_a_pydantic_field_or_something_that_is_not_json() -> None:
    marker = object()

    @tool
    def wait(seconds: int = Field(3, ge=1), token: Any = marker) -> None: ...

    assert properties(wait)["seconds"] == {"type": "integer", "minimum": 1, "default": 3}
    assert properties(wait)["token"] == {}
    assert wait.parameters["required"] == []
    assert read(wait) == {"seconds": 3, "token": marker}


def test_a_parameter_without_annotation_takes_the_type_of_its_default_or_any_value() -> None:
    @tool
    def loose(thing, count=2, name="x", nothing=None) -> None:  # type: ignore[no-untyped-def]
        ...

    assert properties(loose) == {
        "thing": {},
        "count": {"type": "integer", "default": 2},
        "name": {"type": "string", "default": "x"},
        "nothing": {},
    }
    assert read(loose, thing=[1, "a"])["thing"] == [1, "a"]


def test_the_context_is_not_shown_to_the_model() -> None:
    @tool
    def announce(text: str, context: ToolContext | None = None) -> None: ...

    assert list(properties(announce)) == ["text"]
    assert announce.arguments.context_parameter == "context"


def test_the_docstring_yields_to_what_the_annotation_says() -> None:
    @tool
    def go(where: Annotated[str, "a city"], when: Annotated[str, Field(description="a day")]) -> None:
        """Go.

        Args:
            where: from the docstring
            when: from the docstring
        """

    assert [part["description"] for part in properties(go).values()] == ["a city", "a day"]


def test_methods_partials_and_callable_objects_can_be_tools() -> None:
    class Shop:
        def __init__(self, stock: int) -> None:
            self.stock = stock

        @tool
        def left(self, minus: int = 0) -> int:
            """How many are left."""
            return self.stock - minus

        def plain(self, count: int) -> int:
            """A plain method."""
            return count

        def __call__(self, count: int) -> int:
            """Called."""
            return count

    shop = Shop(5)
    assert list(properties(shop.left)) == ["minus"]
    assert shop.left(minus=2) == 3
    assert shop.left.description == "How many are left."
    assert tool(shop.plain).description == "A plain method."
    assert tool(name="shop")(shop).description == "Called."

    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    partial = tool(functools.partial(add, b=2))
    assert (partial.name, partial.description) == ("add", "Add.")
    assert partial(1) == 3


def test_a_tool_is_still_a_function() -> None:
    @tool(name="sum", description="Adds.", timeout_s=3)
    def add(a: int, b: int) -> int:
        return a + b

    assert add(1, b=2) == 3
    assert (add.name, add.description, add.policy.timeout_s) == ("sum", "Adds.", 3)


def test_types_that_live_where_the_function_is_written_are_found() -> None:
    class Local(enum.Enum):
        A = "a"

    @tool
    def use(it: Local) -> None: ...

    assert properties(use)["it"]["enum"] == ["a"]


def test_an_annotation_without_schema_is_refused_with_names_and_advice() -> None:
    with pytest.raises(
        ConfigError, match=r"connect\(\): parameter 'peer' is annotated socket.*no JSON schema.*ToolContext"
    ):

        @tool
        def connect(host: str, peer: socket.socket) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda *args: None, r"\*args.*list\[str\]"),
        (lambda **kwargs: None, r"\*\*kwargs"),
        (lambda it, /: None, "positional-only"),
    ],
)
def test_parameters_that_a_model_cannot_fill_are_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tool(name="probe")(function)


def test_a_type_known_to_the_checker_only_is_refused_with_advice() -> None:
    def use(part: Fraction) -> None: ...

    with pytest.raises(ConfigError, match=r"'part' cannot be read.*TYPE_CHECKING"):
        tool(use)


def test_a_callback_parameter_is_refused() -> None:
    with pytest.raises(ConfigError, match="'then'"):

        @tool
        def later(then: Callable[[], None]) -> None: ...


def test_what_yields_is_refused() -> None:
    with pytest.raises(ConfigError, match="yields"):

        @tool
        def count() -> Any:
            yield 1


@pytest.mark.parametrize("name", ["", "two words", "x" * 65, "naïve", "a.b", "a\n"])
def test_names_that_openai_refuses_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="name"):

        @tool(name=name)
        def probe() -> None: ...


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(ConfigError, match="lambda"):
        tool(lambda: None)


def test_something_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(ConfigError, match="int"):
        tool(3)  # type: ignore[call-overload]


def test_an_isolated_tool_must_be_importable() -> None:
    with pytest.raises(ConfigError, match="top level"):

        @tool(isolate=True)
        def inner() -> None: ...


class TestTheModelCanRepairItsCall:
    @staticmethod
    def complaint(arguments: str) -> str:
        @tool
        def book(city: str, nights: int, kind: Literal["single", "double"], guest: Guest | None = None) -> None: ...

        with pytest.raises(ToolArgumentsInvalid) as caught:
            book.arguments.read(arguments)
        return caught.value.message

    def test_missing_parameters_are_named(self) -> None:
        assert "'city' is missing; 'nights' is missing" in self.complaint('{"kind": "single"}')

    def test_unknown_parameters_are_named_with_the_known_ones(self) -> None:
        message = self.complaint('{"city": "Oslo", "nights": 1, "kind": "single", "stars": 5}')
        assert "'stars' is not a parameter (there are: 'city', 'nights', 'kind', 'guest')" in message

    def test_wrong_values_are_explained(self) -> None:
        message = self.complaint('{"city": "Oslo", "nights": "many", "kind": "triple"}')
        assert "'nights': Input should be a valid integer" in message
        assert "'kind': Input should be 'single' or 'double'" in message

    def test_the_place_inside_a_nested_value_is_named(self) -> None:
        message = self.complaint('{"city": "x", "nights": 1, "kind": "single", "guest": {"name": "A", "age": -1}}')
        assert "'guest.age'" in message

    @pytest.mark.parametrize("arguments", ["{", "nonsense", "[" * 100_000, '{"city": NaN,}', "\ud800"])
    def test_what_is_not_json_is_said_to_be_so(self, arguments: str) -> None:
        assert "not valid JSON" in self.complaint(arguments)

    @pytest.mark.parametrize("arguments", ["[]", '"text"', "3"])
    def test_what_is_not_an_object_is_refused(self, arguments: str) -> None:
        assert "should be an object" in self.complaint(arguments)

    def test_what_was_said_is_not_repeated(self) -> None:
        assert "sesame" not in self.complaint('{"city": {"open": "sesame"}, "nights": "sesame", "kind": "sesame"}')

    def test_a_flood_of_mistakes_is_cut(self) -> None:
        many = json.dumps({f"k{number}": 1 for number in range(1000)})
        assert len(self.complaint(many)) < 2000
