"""The difference between two programs in words and as payout curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from simulator.errors import fault
from simulator.report.numbers import form_of
from simulator.report.payout import Curve, curves
from simulator.report.style import colour, line, new_axes, sampled, styled
from simulator.report.wording import titled
from simulator.scenario.finding import plain, suggestion

if TYPE_CHECKING:
    from simulator.studies.programs import ProgramDiff
    from simulator.studies.runs import Change


def headline(diff: ProgramDiff) -> list[str]:
    """A sentence per component that comes or goes, and per value that changes in what both have."""
    before, after = (diff.scenario.programs[name].components for name in (diff.one, diff.other))
    gone = [f"{diff.other} has no {name}." for name in before if name not in after]
    come = [f"{diff.other} adds {name} ({c.kind})." for name, c in after.items() if name not in before]
    apart = {f"components.{name}" for name in {*before} ^ {*after}}
    kept = [c for c in diff.changes if not any(c.path == p or c.path.startswith(f"{p}.") for p in apart)]
    return [*gone, *come, *map(_sentence, kept)] or ["Their rules are the same."]


def draw(diff: ProgramDiff, component: str | None = None, ax: Axes | None = None) -> Axes:
    """Payout of a component in one window, under both programs."""
    before, after = ({c.component: c for c in curves(diff.scenario, name)} for name in (diff.one, diff.other))
    name = component or _first(before, after)
    if name not in {*before, *after}:
        raise fault("options", "component", name, "neither has it", suggestion(name, [*before, *after]))
    found = [(p, of[name]) for p, of in ((diff.one, before), (diff.other, after)) if name in of]
    money = diff.scenario.currency
    far = max(float(c.attained[-1]) for _, c in found) / 100
    across = form_of([far], [], found[0][1].unit, money)
    up = form_of([max(float(c.payout.max()) for _, c in found) / 100], [], money, money)
    with styled():
        ax = new_axes() if ax is None else ax
        for k, (program, c) in enumerate(found):
            x, y = c.attained / 100 * across.factor, c.payout / 100 * up.factor
            ax.plot(x, y, color=colour(k), linestyle=line(k), label=program)
        ax.set_xlabel(titled(found[-1][1].across, across.unit))
        ax.set_ylabel(titled("Payout", up.unit))
        ax.set_title(f"What {name} pays")
        ax.legend(loc="upper left")
        sampled(ax, diff.sample_text)
    return ax


def _first(before: dict[str, Curve], after: dict[str, Curve]) -> str:
    """The first component whose payout differs, or that only one has."""
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name), after.get(name)
        if one is None or other is None or list(one.payout) != list(other.payout):
            return name
    return next(iter({**before, **after}), "")


def _sentence(change: Change) -> str:
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
