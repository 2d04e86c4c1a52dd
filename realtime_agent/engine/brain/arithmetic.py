"""Sums as people say them, by a small parser of our own (never eval).

sum      = product (("plus" | "minus") product)*
product  = power (("times" | "divided by" | "mod") power)*
power    = unary ("to the power of" unary | "squared" | "cubed")*
unary    = "minus" unary | "square root of" unary | "half of" unary | n "percent of" unary | "(" sum ")" | number
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException, DivisionByZero, InvalidOperation, localcontext

from realtime_agent.engine.brain.numbers import parse_number, spoken
from realtime_agent.engine.brain.wording import phrases

_LEADS = phrases("""
    what is | what are | what was | how much is | how much are | how many is | calculate | compute | work out | solve
    figure out | evaluate | what does | and | ok | please | can you | could you | tell me | so | the answer to | well
    the result of | do you know | add up | hey | then | now | what about | how about | what do you get for
    what do you get if you
""")
_TAILS = phrases("""
    equal | equals | = | is | please | make | makes | be | for me | to | together | thanks | thank you | again
""")
_SUM = dict.fromkeys(phrases("plus | + | add"), "plus") | dict.fromkeys(
    phrases("minus | - | subtract | take away | less"), "minus"
)
_PRODUCT = (
    dict.fromkeys(phrases("times | multiplied by | x | * | × | by | time"), "times")
    | dict.fromkeys(phrases("divided by | divide by | over | / | ÷"), "divided by")
    | dict.fromkeys(phrases("mod | modulo"), "modulo")
)
_POWER = ("to the power of", "raised to the power of", "to the power", "raised to", "^")
_LARGEST_EXPONENT = 1000
_DEEPEST = 20


class _NotASum(ValueError):
    """The words are something else."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was understood and what comes out, both ready to be spoken. `value` is None where there is no answer."""

    question: str
    value: Decimal | None
    problem: str = ""

    def sentence(self) -> str:
        if self.value is None:
            return self.problem
        about = (
            "is about" if spoken(self.value) != f"{self.value.normalize():f}" and self.value.adjusted() < 15 else "is"
        )
        return f"{self.question[:1].upper()}{self.question[1:]} {about} {spoken(self.value)}."


@dataclass(slots=True)
class _Parser:
    lows: Sequence[str]
    at: int = 0
    depth: int = 0
    operations: int = 0

    def take(self, *phrases: str) -> str | None:
        for phrase in sorted(phrases, key=len, reverse=True):
            words = tuple(phrase.split())
            if tuple(self.lows[self.at : self.at + len(words)]) == words:
                self.at += len(words)
                return phrase
        return None

    def chain(self, operators: dict[str, str], operand: Callable[[], tuple[Decimal, str]]) -> tuple[Decimal, str]:
        value, said = operand()
        while True:
            before = self.at
            found = self.take(*operators)
            if found is None:
                return value, said
            try:
                other, other_said = operand()
            except _NotASum:
                self.at = before
                return value, said
            self.operations += 1
            name = operators[found]
            value, said = _apply(name, value, other), f"{said} {name} {other_said}"

    def sum(self) -> tuple[Decimal, str]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _NotASum
        result = self.chain(_SUM, lambda: self.chain(_PRODUCT, self.power))
        self.depth -= 1
        return result

    def power(self) -> tuple[Decimal, str]:
        value, said = self.unary()
        while True:
            if self.take("squared", "square"):
                value, said = _apply("power", value, Decimal(2)), f"{said} squared"
            elif self.take("cubed"):
                value, said = _apply("power", value, Decimal(3)), f"{said} cubed"
            elif self.take(*_POWER):
                exponent, exponent_said = self.unary()
                value, said = _apply("power", value, exponent), f"{said} to the power of {exponent_said}"
            else:
                return value, said
            self.operations += 1

    def unary(self) -> tuple[Decimal, str]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _NotASum
        try:
            return self._unary()
        finally:
            self.depth -= 1

    def _unary(self) -> tuple[Decimal, str]:
        if self.take("the square root of", "square root of", "root of", "square root", "the root of"):
            self.operations += 1
            value, said = self.unary()
            return _apply("root", value, value), f"the square root of {said}"
        for words, factor in ((("half of", "a half of", "half"), "0.5"), (("a quarter of", "quarter of"), "0.25"),
                              (("double", "twice"), "2"), (("triple",), "3")):  # fmt: skip
            mark = self.at
            taken = self.take(*words)
            if taken:
                try:
                    value, said = self.unary()
                except _NotASum:
                    self.at = mark
                    break
                self.operations += 1
                return value * Decimal(factor), f"{taken} {said}"
        if self.take("("):
            value, said = self.sum()
            if not self.take(")"):
                raise _NotASum
            return value, f"({said})"
        return self._number()

    def _number(self) -> tuple[Decimal, str]:
        number = parse_number(self.lows, self.at)
        if number is None:
            if self.take("minus", "-"):
                value, said = self.unary()
                return -value, f"minus {said}"
            raise _NotASum
        value, self.at = number
        if self.take("percent of", "per cent of", "% of"):
            self.operations += 1
            whole, said = self.unary()
            return value * whole / 100, f"{spoken(value)} percent of {said}"
        if self.take("percent", "per cent", "%"):
            return value / 100, f"{spoken(value)} percent"
        return value, spoken(value)


def _apply(name: str, value: Decimal, other: Decimal) -> Decimal:
    if name == "plus":
        return value + other
    if name == "minus":
        return value - other
    if name == "times":
        return value * other
    if name == "divided by":
        return value / other
    if name == "modulo":
        return value % other
    if name == "root":
        return value.sqrt()
    if value and abs(other * (abs(value.adjusted()) + 1)) > _LARGEST_EXPONENT:
        raise OverflowError
    return Decimal(value**other)


# "Add five to seven": verb, word between, what it means, and whether the second number comes first.
_VERBS = (
    ("add", ("to", "and"), "plus", False),
    ("sum of", ("and",), "plus", False),
    ("subtract", ("from",), "minus", True),
    ("take", ("from",), "minus", True),
    ("difference between", ("and",), "minus", False),
    ("difference of", ("and",), "minus", False),
    ("multiply", ("by", "and", "with"), "times", False),
    ("product of", ("and",), "times", False),
    ("divide", ("by",), "divided by", False),
    ("divide", ("into",), "divided by", True),
    ("quotient of", ("and",), "divided by", False),
)


def _verb_form(parser: _Parser) -> tuple[Decimal, str]:
    mark = parser.at
    parser.take("the")
    for verb, between, name, swapped in _VERBS:
        after = parser.at
        if parser.take(verb):
            try:
                first = parser.power()
                if parser.take(*between):
                    second = parser.power()
                    if swapped:
                        first, second = second, first
                    parser.operations += 1
                    return _apply(name, first[0], second[0]), f"{first[1]} {name} {second[1]}"
            except _NotASum:
                pass
        parser.at = after
    parser.at = mark
    raise _NotASum


def calculate(lows: Sequence[str]) -> Answer | None:
    """The answer to a sum; None where the words, all of them, are not a sum."""
    parser = _Parser(tuple(lows)[:120])
    while parser.take(*_LEADS):
        pass
    with localcontext() as context:
        context.prec = 40
        try:
            try:
                value, said = _verb_form(parser)
            except _NotASum:
                value, said = parser.sum()
            while parser.take(*_TAILS):
                pass
            if parser.at < len(lows) or not parser.operations:
                return None
        except _NotASum:
            return None
        except (DivisionByZero, InvalidOperation) as error:
            zero = isinstance(error, DivisionByZero) or "root" not in lows
            problem = "Dividing by zero has no answer." if zero else "A negative number has no square root I can say."
            return Answer("", None, problem)
        except (DecimalException, OverflowError):
            return Answer("", None, "That number is too large for me to say.")
    return Answer(said, value)
