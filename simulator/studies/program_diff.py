"""Two programs held against each other: what differs in their rules, in words and as payout curves.

The difference between two programs in words and as payout curves.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes

from simulator.core.errors import fault
from simulator.report.payout_curve import PayoutCurve, curves, draw_curves
from simulator.report.plots import new_axes, sample_note, styled
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import plain, suggestion
from simulator.studies.base import Study, asked_programs
from simulator.studies.stored import RunChange, changes_in

if TYPE_CHECKING:
    from simulator.studies.forecast import Forecast


@dataclass(frozen=True)
class ProgramDiff(Study):
    """changes: by path within the program, from `one` to `other`; None where a program has no such value."""

    scenario: Scenario
    one: str
    other: str
    changes: tuple[RunChange, ...]

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
        # MOVED

        return headline(self)

    def plot(self, component: str | None = None, *, ax: Axes | None = None, simulated: Forecast | None = None) -> Axes:
        """What a component pays under both programs; the first whose payout differs if None.

        simulated: a forecast with both programs, to show in which part of the curve windows end.
        """
        # MOVED

        return draw(self, component, ax, simulated)

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


def headline(diff: ProgramDiff) -> list[str]:
    """A sentence per component that comes or goes, and per value that changes in what both have."""
    before, after = (diff.scenario.programs[name].components for name in (diff.one, diff.other))
    gone = [f"{diff.other} has no {name}." for name in before if name not in after]
    come = [f"{diff.other} adds {name} ({c.kind})." for name, c in after.items() if name not in before]
    apart = {f"components.{name}" for name in {*before} ^ {*after}}
    kept = [c for c in diff.changes if not any(c.path == p or c.path.startswith(f"{p}.") for p in apart)]
    return [*gone, *come, *map(_sentence, kept)] or ["Their rules are the same."]


def draw(
    diff: ProgramDiff, component: str | None = None, ax: Axes | None = None, simulated: Forecast | None = None
) -> Axes:
    """Payout of a component in one window under both programs; simulated: of both, to say where windows end.

    Where only one has the component, the other's first one on the same axis that the one lacks is drawn beside it.
    """
    before, after = ({c.component: c for c in curves(diff.scenario, name)} for name in (diff.one, diff.other))
    name = component or _first(before, after)
    if name not in {*before, *after}:
        raise fault("options", "component", name, "neither has it", suggestion(name, [*before, *after]))
    chosen = [
        (program, c)
        for program, of, beside in ((diff.one, before, after), (diff.other, after, before))
        if (c := of.get(name) or _instead(of, beside, beside[name])) is not None
    ]
    far = max(float(c.attained[-1]) for _, c in chosen)
    found = [
        (program, _up_to(diff, program, c, far), None if simulated is None else simulated.reached(program, c.component))
        for program, c in chosen
    ]
    names = dict.fromkeys(c.component for _, c in chosen)
    shown = found if len(names) == 1 else [(f"{program}: {c.component}", c, at) for program, c, at in found]
    with styled():
        ax = draw_curves(new_axes() if ax is None else ax, shown, diff.scenario.currency)
        ax.set_title(f"What {' and '.join(names)} pay{'s' if len(names) == 1 else ''}")
        sample_note(
            ax, diff.sample_text if simulated is None else f"bars: {simulated.sample_text}, windows with any attainment"
        )
    return ax


def _up_to(diff: ProgramDiff, program: str, c: PayoutCurve, far: float) -> PayoutCurve:
    """The curve as far as the others go."""
    reach = [far] * len(diff.scenario.programs[program].components)
    return next(longer for longer in curves(diff.scenario, program, reach=reach) if longer.component == c.component)


def _instead(of: dict[str, PayoutCurve], beside: dict[str, PayoutCurve], other: PayoutCurve) -> PayoutCurve | None:
    """The first component that `beside` lacks and that is drawn on the axis of `other`, one of beside's."""
    return next((c for n, c in of.items() if n not in beside and c.across == other.across), None)


def _first(before: dict[str, PayoutCurve], after: dict[str, PayoutCurve]) -> str:
    """The first component whose payout differs, or that only one has."""
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name), after.get(name)
        if one is None or other is None or list(one.payout) != list(other.payout):
            return name
    return next(iter({**before, **after}), "")


def _sentence(change: RunChange) -> str:
    name = change.path.removeprefix("components.")
    if change.one is None:
        return f"{name} is {_value(change.other)}; it was not set."
    if change.other is None:
        return f"{name} is no longer set; it was {_value(change.one)}."
    return f"{name}: from {_value(change.one)} to {_value(change.other)}{_by(change.one, change.other)}."


def _by(one: Any, other: Any) -> str:
    """The change as a share."""
    if isinstance(one, bool | str) or isinstance(other, bool | str) or not one:
        return ""
    return f" ({(other - one) / abs(one):+.0%})"


def _value(value: Any) -> str:
    return plain(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
