"""Two programs held against each other: what differs in their rules, in words and as payout curves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from simulator.scenario.schema import Scenario
from simulator.studies.asked import asked_programs
from simulator.studies.runs import Change, changes_in
from simulator.studies.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simulator.studies.forecast import Forecast


@dataclass(frozen=True)
class ProgramDiff(Study):
    """changes: by path within the program, from `one` to `other`; None where a program has no such value."""

    scenario: Scenario
    one: str
    other: str
    changes: tuple[Change, ...]

    @property
    def title(self) -> str:
        return f"{self.scenario.name}: from {self.one} to {self.other}"

    @property
    def sample_text(self) -> str:
        return "the rules alone, without simulation"

    def table(self) -> pd.DataFrame:
        """A row per value that differs: path within the program, and both values."""
        return pd.DataFrame([asdict(c) for c in self.changes], columns=["path", "one", "other"], dtype=object)

    def headline(self) -> list[str]:
        """Components that come and go, and values that change, a sentence each."""
        from simulator.report.programs import headline

        return headline(self)

    def plot(self, component: str | None = None, *, ax: Axes | None = None, lived: Forecast | None = None) -> Axes:
        """What a component pays under both programs; the first whose payout differs if None.

        lived: a forecast with both programs, to show in which part of the curve windows end.
        """
        from simulator.report.programs import draw

        return draw(self, component, ax, lived)

    def to_dict(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "one": self.one,
            "other": self.other,
            "changes": [asdict(c) for c in self.changes],
            "headline": self.headline(),
        }


def diff(scenario: Scenario, one: str, other: str) -> ProgramDiff:
    """What differs between two programs of a scenario; raises `InputError` for one that is not there."""
    asked_programs(scenario, [one, other])
    whole, given = (
        changes_in(*(scenario.programs[name].model_dump(mode="json", exclude={"label"}, exclude_defaults=sparse)
                     for name in (one, other)))
        for sparse in (False, True)
    )  # fmt: skip
    said = {change.path for change in given}  # of a component that comes or goes, what is as everywhere is left out
    changes = [c for c in whole if c.path in said or None not in (c.one, c.other)]
    return ProgramDiff(scenario, one, other, tuple(changes))
