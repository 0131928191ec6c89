"""What went wrong, in words a program designer can act on.

Everything the library raises on purpose derives from `SimulatorError`. Bad input is reported as a list of
`Problem`, all at once, each with the place, the value found, the rule it breaks and a way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SimulatorError(Exception):
    """Base of all errors that the simulator raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One fault in an input file.

    file: the file as the user named it; path: dotted path of the field; value: what was found;
    rule: what must hold; hint: a way out; line: 1-based line in the file where it could be found.
    """

    file: str
    path: str
    value: str
    rule: str
    hint: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line else "")
        found = f" = {self.value}" if self.value else ""
        way_out = f" ({self.hint})" if self.hint else ""
        return f"{place}: {self.path}{found}: {self.rule}{way_out}"


class InputError(SimulatorError):
    """Bad input. `problems` holds every fault found, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


def fault(file: str, path: str, value: object, rule: str, hint: str = "") -> InputError:
    """An `InputError` of a single problem."""
    return InputError([Problem(file, path, "" if value is None else repr(value), rule, hint)])
