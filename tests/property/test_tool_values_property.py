"""Any JSON value and any text stays within its limits on its way through a tool."""

from __future__ import annotations

import json
import keyword
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from realtime_agent.errors import ToolArgumentsInvalid, ToolResultInvalid
from realtime_agent.tools import docstring, tool
from realtime_agent.tools.results import encode_result

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=50,
)
names = st.from_regex(r"[a-z_][a-z_0-9]{0,12}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
TYPES: dict[type, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**60), 2**60),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(exclude_categories=["Cs"])),
    bool: st.booleans(),
}


@given(json_values)
def test_a_result_that_fits_arrives_whole(value: Any) -> None:
    text = encode_result(value, 1_000_000)
    if isinstance(value, str):
        assert text == value
    elif value is not None:
        assert json.loads(text) == value


@given(json_values | st.text(min_size=300) | st.lists(st.text(min_size=10), min_size=40))
@example("é" * 300)
@example(["é" * 300])
@example({"a": ["☂" * 100, {"b": "\U0001f600" * 200}]})
def test_no_result_is_longer_than_allowed(value: Any) -> None:
    try:
        text = encode_result(value, 256)
    except ToolResultInvalid:
        return
    assert len(text.encode("utf-8")) <= 256


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_signature_takes_what_its_schema_allows(data: st.DataObject) -> None:
    parameters = data.draw(st.dictionaries(names, st.sampled_from(list(TYPES)), max_size=6))
    source = f"def probe({', '.join(f'{name}: {kind.__name__}' for name, kind in parameters.items())}): ..."
    scope: dict[str, Any] = {}
    exec(source, scope)
    made = tool(scope["probe"])
    assert list(made.parameters["properties"]) == list(parameters)
    assert made.parameters["required"] == list(parameters)
    values = {name: data.draw(TYPES[kind]) for name, kind in parameters.items()}
    assert made.arguments.read(json.dumps(values)) == values


@given(st.text() | json_values.map(json.dumps))
def test_any_text_as_arguments_gives_values_or_a_typed_error(text: str) -> None:
    @tool
    def probe(count: int, name: str = "x", extra: Any = None) -> None: ...

    try:
        values = probe.arguments.read(text)
    except ToolArgumentsInvalid:
        return
    assert isinstance(values["count"], int)


@given(
    st.lists(
        st.sampled_from(
            [
                "Args:",
                "Parameters",
                "----------",
                ":param x: y",
                "    x: y",
                "x : int",
                "",
                "text",
                "    more",
                "Returns:",
            ]
        )
        | st.text(max_size=20)
    ).map("\n".join)
)
def test_any_docstring_can_be_read(text: str) -> None:
    found = docstring.parse(text)
    assert all(name.isidentifier() or name.isalnum() or "_" in name for name in found.parameters)
