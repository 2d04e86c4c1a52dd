"""Arithmetic on what a model or a person wrote, without `eval`."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Any

from realtime_agent.errors import ToolError
from realtime_agent.tools.tool import tool

_MAX_CHARACTERS = 300
_MOST_DIGITS = 300
_MAX_BITS = 4096  # of any whole number on the way; 9 ** 9 ** 9 would fill the memory

_WORDS = [
    (r"\bto the power of\b|\^", "**"),
    (r"\bplus\b|\band\b", "+"),
    (r"\bminus\b", "-"),
    (r"\btimes\b|\bmultiplied by\b|×|(?<=[\d\s)])x(?=[\d\s(])", "*"),
    (r"\bdivided by\b|\bover\b|÷", "/"),
    (r"\b(?:mod|modulo)\b", "%"),
    (r"\bsquared\b", "**2"),
    (r"\bcubed\b", "**3"),
    (r"(?:\bthe )?\bsquare root of\s+(\d+(?:\.\d+)?)", r"sqrt(\1)"),
    (r"(?:\bthe )?\bsquare root of\b", "sqrt"),
    (r"(\d+(?:\.\d+)?)\s*(?:%|percent)\s*(?:of)\b", r"(\1/100)*"),
    (r"(\d+(?:\.\d+)?)\s*(?:%(?=\s*(?:$|[-+*/)]))|percent\b)", r"(\1/100)"),
    (r"(?<=\d),(?=\d{3}\b)", ""),
    (r"^\s*(?:what is|what's|how much is|calculate|compute)\b|[=?]\s*$", ""),
]

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def _round(value: float, digits: int = 0) -> float:
    """Bounded: with a billion digits to the left, `round` fills the memory."""
    if abs(digits) > _MOST_DIGITS:
        raise OverflowError
    return round(value, digits) if digits else round(value)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": math.sqrt,
    "abs": abs,
    "round": _round,
    "min": min,
    "max": max,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "log": math.log,
    "log10": math.log10,
    "exp": math.exp,
    "floor": math.floor,
    "ceil": math.ceil,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}


@tool
async def calculate(expression: str) -> str:
    """Calculate arithmetic: add, subtract, multiply, divide, powers, roots and percent.

    Args:
        expression: what to calculate, such as 12 * (3 + 4), 15% of 80, or sqrt(2).
    """
    if len(expression) > _MAX_CHARACTERS:
        raise ToolError("That is too long to calculate.", code="too_long")
    written = expression.lower()
    for pattern, symbol in _WORDS:
        written = re.sub(pattern, symbol, written)
    try:
        result = _value(ast.parse(written.strip(), mode="eval").body)
    except ZeroDivisionError:
        raise ToolError("Nothing can be divided by zero.", code="division_by_zero") from None
    except OverflowError:
        raise ToolError("The result is too large.", code="too_large") from None
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise ToolError(
            "I cannot calculate that. Write it with numbers and + - * / ( ).", code="not_arithmetic"
        ) from None
    return _written(result)


def _value(node: ast.AST) -> float | int:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _bounded(value)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _bounded(_OPERATORS[type(op)](_value(operand)))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            first, second = _value(left), _value(right)
            if isinstance(op, ast.Pow):
                _check_power(first, second)
            return _bounded(_OPERATORS[type(op)](first, second))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](*map(_value, arguments)))
        case _:
            raise ValueError("not arithmetic")


def _check_power(base: float, exponent: float) -> None:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > _MAX_BITS:
        raise OverflowError


def _bounded(value: Any) -> float | int:
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise OverflowError
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise OverflowError
        return value
    raise ValueError("not a real number")


def _written(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int):
        # Nobody listens to a hundred digits.
        return (
            str(value) if abs(value) < 10**15 else f"about {value:.6g}" if abs(value) < 1e300 else "a very large number"
        )
    return f"{value:.10g}"
