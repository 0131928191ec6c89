"""What every study offers in Python, so that who knows one knows all.

study.table()        its figures, as a data frame
study.headline()     what can be said, in sentences, never more than the error allows
study.plot(ax=ax)    a figure, on Axes that are given or on new ones; the Axes come back
study.to_json()      all figures
study.report(path)   one HTML file with all of that
study                in a notebook: headline, sample, table, and how long it took
"""

from __future__ import annotations

import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

from simulator.errors import SimulatorError
from simulator.progress import span, watched

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from simulator.run import Simulated
    from simulator.scenario.schema import Scenario


class Study(ABC):
    """The result of a study."""

    _seconds: float | None = None

    def __init_subclass__(cls) -> None:
        cls._repr_pretty_ = Study._repr_pretty_  # type: ignore[method-assign]  # IPython wants it beside `__repr__`

    @property
    @abstractmethod
    def title(self) -> str:
        """What was studied of which scenario."""

    @property
    @abstractmethod
    def sample_text(self) -> str:
        """What the figures rest on."""

    @abstractmethod
    def table(self) -> pd.DataFrame:
        """The figures."""

    @abstractmethod
    def headline(self) -> list[str]:
        """What can be said, a sentence each."""

    @abstractmethod
    def plot(self, *, ax: Axes | None = None) -> Axes:
        """A figure, on `ax` or a new figure."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts; what is undefined is None."""

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    @property
    def cost_text(self) -> str:
        """How long it took; empty where that is not known, as for a study that was read from a file."""
        return "" if self._seconds is None else f"Took {span(self._seconds) if self._seconds >= 1 else 'under 1 s'}."

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write headline, tables and figure as one HTML file that needs nothing else; an existing one is replaced.

        Of a comparison it is the report that leadership reads, of a calibration one of its own.

        Raises `SimulatorError` where there is no such folder.
        """
        target = Path(path)
        if not target.parent.is_dir():
            raise SimulatorError(f"{target.parent}: no such folder")
        target.write_text(self._page(), encoding="utf-8")
        return target

    def _page(self) -> str:
        """What `report` writes."""
        from simulator.report.study_page import page

        return page(self)

    def _html(self) -> str:
        """Headline and table as HTML."""
        from simulator.report.study_page import html

        return html(self)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text("\n".join(self.headline()))  # of a terminal, where there is no HTML

    def _repr_html_(self) -> str:
        from simulator.report.study_page import took

        return self._html() + took(self)


class RunStudy(Study):
    """A study of one run of replications.

    simulated: the run; kind: what its run directory is called; subject: what was studied of the scenario; figure_rows:
    that a stored figure has room for, those of the table if None.
    """

    simulated: Simulated
    kind: ClassVar[str]
    subject: ClassVar[str]
    figure_rows: ClassVar[int | None] = None

    @property
    def title(self) -> str:
        """What was studied of which scenario."""
        return f"{self.scenario.name}: {self.subject}"

    @property
    def scenario(self) -> Scenario:
        """What was simulated."""
        return self.simulated.scenario

    @property
    def sample_text(self) -> str:
        """What the figures rest on: `2,000 replications, seed 7`."""
        return f"{self.simulated.replications:,} replications, seed {self.simulated.seed}"

    def save(self, out: str | os.PathLike[str] = "results", *, command: Sequence[str] = (), plots: bool = True) -> Path:
        """Write a run directory below `out` and return it."""
        from simulator.report.save_study import save_study

        return save_study(self, self.kind, self._figures() if plots else {}, out, command, self.figure_rows)

    def _figures(self) -> Mapping[str, Callable[[Axes], Axes]]:
        """Name -> what draws it, of the figures that are stored."""
        return {self.kind: lambda ax: self.plot(ax=ax)}

    def _told(self) -> dict[str, Any]:
        """What `to_dict` of every study of a run begins with."""
        run = self.simulated
        asked = {"study": self.kind.replace("_", " "), "seed": run.seed, "replications": run.replications}
        return {"scenario": self.scenario.name, **asked, "headline": self.headline()}


P = ParamSpec("P")
S = TypeVar("S", bound=Study)


def timed(run: Callable[P, S]) -> Callable[P, S]:
    """Let a study know how long it took; where it tells of its progress and nobody asked, a notebook shows it."""
    tells = "progress" in signature(run).parameters

    @wraps(run)
    def measured(*args: P.args, **kwargs: P.kwargs) -> S:
        start = time.monotonic()
        given: Any = kwargs.get("progress")
        with watched(given) as progress:
            if tells and progress is not None:
                kwargs["progress"] = progress
            study = run(*args, **kwargs)
        object.__setattr__(study, "_seconds", time.monotonic() - start)
        return study

    return measured


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain dicts; None for what is undefined."""
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return found
