"""The explorer in a notebook: a slider per lever, and the picture beside them.

Sliders only say what is wanted. Pictures are made in a thread and set from there, so the notebook stays free.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from html import escape
from typing import Any

import ipywidgets as widgets

from simulator.core.errors import InputError, SimulatorError
from simulator.scenario.paths import NumberPath, number_paths
from simulator.scenario.schema import Scenario
from simulator.scenario.validation.finding import plain
from simulator.studies.explore import REPLICATIONS, Explorer, Preview, PreviewPage, PreviewThread, explorer
from simulator.studies.search import Lever

_PAUSE = 0.02
"""Seconds after a picture in which the thread holds still, so that the picture leaves before the next is worked on."""
_PREPARING = "Fitting what partners take for granted; this is done once and takes some seconds."


class ExplorerWidget(widgets.VBox):  # type: ignore[misc]
    """Sliders and picture. Show it by naming it at the end of a cell; `close` ends its thread.

    values: the levers now, by path; scenario: the scenario with them, for a study of it; picture: the last one shown.
    """

    def __init__(self, model: Explorer) -> None:
        self._model = model
        self._view = PreviewPage(model.scenario, model.levers.program)
        self.picture: Preview | None = None
        known = {n.path: n for n in number_paths(model.scenario)}
        self._sliders = {
            lever.path: _slider(lever, known[lever.path], model.start[lever.path]) for lever in model.levers.levers
        }
        self._note = widgets.HTML(_PREPARING)
        self._shown = widgets.HTML(layout=widgets.Layout(flex="1 1 480px"))
        back = widgets.Button(description="As the scenario has it", layout=widgets.Layout(width="220px"))
        back.on_click(lambda _: self.set(model.start))
        named = [widgets.VBox([_label(known[path], model.levers.program), s]) for path, s in self._sliders.items()]
        title = widgets.HTML(f"<strong>{escape(model.levers.program)}</strong>")
        levers = widgets.VBox([title, *named, back], layout=widgets.Layout(flex="0 0 310px"))
        body = widgets.HBox([levers, self._shown], layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([self._note, body])
        self._thread = PreviewThread(model, self._show, self._refuse)
        for slider in self._sliders.values():
            slider.observe(lambda _: self._thread.want(self.values), names="value")
        self._thread.want(self.values)

    @property
    def values(self) -> dict[str, float]:
        """The levers now, by path."""
        return {path: slider.value for path, slider in self._sliders.items()}

    @property
    def scenario(self) -> Scenario:
        """The scenario with the levers as they are now."""
        return self._model.changed(self.values)

    def set(self, values: Mapping[str, float]) -> None:
        """Move levers."""
        for path, value in values.items():
            self._sliders[path].value = value

    def close(self) -> None:
        """End the thread and take the widget away."""
        self._thread.close()
        super().close()

    def _show(self, picture: Preview) -> None:
        self.picture = picture
        self._shown.value = self._view.html(picture)
        if self._note.value:
            self._note.value = ""
        time.sleep(_PAUSE)

    def _refuse(self, error: SimulatorError) -> None:
        problems = error.problems if isinstance(error, InputError) else ()
        said = "; ".join(f"{p.path} {p.rule}" for p in problems) or str(error)
        self._note.value = (
            f'<span role="alert">Not possible: {escape(said)}. The picture is of the setting before.</span>'
        )


def explore(
    scenario: Scenario,
    levers: Any = None,
    *,
    program: str | None = None,
    replications: int = REPLICATIONS,
    seed: int | None = None,
) -> ExplorerWidget:
    """Explore a candidate program live: a slider per lever, and what it costs, lifts and invites against the baseline.

    levers: paths of the candidate's numbers, or path -> (low, high) or (low, high, step), or a levers file; the first
    numbers of `program`, or of the first candidate, if None. replications: worlds of the refined picture; each is kept,
    with some 100 kB per partner. Raises `InputError` for what cannot be explored.
    """
    return ExplorerWidget(explorer(scenario, levers, program=program, replications=replications, seed=seed))


def _label(number: NumberPath, program: str) -> widgets.Widget:
    name = number.path.removeprefix(f"programs.{program}.").removeprefix("components.")
    meaning = f"{number.meaning} [{number.unit}]"
    return widgets.HTML(f'<span title="{escape(meaning)}">{escape(name)}</span>')


def _slider(lever: Lever, number: NumberPath, value: float) -> widgets.Widget:
    share = number.unit.startswith("share") or number.bounds.high == 1
    shared = {
        "min": min(lever.low, value), "max": max(lever.high, value), "value": value,
        "continuous_update": True, "layout": widgets.Layout(width="300px"),
    }  # fmt: skip
    if isinstance(number.value, int):
        return widgets.IntSlider(**shared | {"value": round(value)}, step=max(1, round(lever.step)))
    step = lever.step or (lever.high - lever.low) / 100
    decimals = len(plain(round(step * (100 if share else 1), 9)).partition(".")[2])
    return widgets.FloatSlider(**shared, step=step, readout_format=f".{decimals}{'%' if share else 'f'}")
