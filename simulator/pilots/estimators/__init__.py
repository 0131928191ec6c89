"""The estimators on offer, by name: when each holds, what it needs, and which one holds where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import factorial, prod

import numpy as np

from simulator.core.arrays import Bools
from simulator.pilots.estimators import mixed_model, regression, relabelling
from simulator.pilots.panel import PilotEstimate, PilotPanel


@dataclass(frozen=True)
class Estimator:
    """How an effect is estimated from a panel.

    valid: when it holds, in words; before: periods before launch that it needs; crossing: for partners that change
    sides during the pilot (a stepped wedge, a switchback), None for any assignment; clusters: whether its errors are
    those of what was assigned as one; fewest: clusters in all below which they are not to be trusted; compared:
    whether it compares with partners that are not on the candidate; slow: takes tens of milliseconds a pilot.
    """

    title: str
    estimate: Callable[[PilotPanel], PilotEstimate]
    valid: str
    before: int = 0
    crossing: bool | None = False
    clusters: bool = False
    fewest: int = 0
    compared: bool = True
    slow: bool = False


ESTIMATORS: dict[str, Estimator] = {
    "difference": Estimator(
        "difference in means",
        regression.difference,
        "partners were assigned singly, at random, to groups that stay as they are",
        fewest=8,
    ),
    "cuped": Estimator(
        "regression on the level before launch (CUPED)",
        regression.cuped,
        "as the difference in means; the stronger, the more a partner's level before launch says of its level after",
        before=1,
        fewest=8,
    ),
    "did": Estimator(
        "difference in differences",
        regression.changes,
        "without the candidate both groups would have changed by the same amount; assigned singly",
        before=1,
        fewest=8,
    ),
    "cluster": Estimator(
        "regression with cluster-robust errors (CR2)",
        regression.clustered,
        "clusters were assigned at random as one, to groups that stay as they are, and there are 8 of them or more",
        clusters=True,
        fewest=8,
    ),
    "mixed": Estimator(
        "mixed model with random effects of clusters and partners",
        mixed_model.mixed,
        "as the cluster-robust regression, if outcomes of a partner are equally alike at any distance in time; slow",
        crossing=None,
        clusters=True,
        fewest=8,
        slow=True,
    ),
    "synthetic": Estimator(
        "synthetic control with placebo inference",
        relabelling.synthetic,
        "few partners are on the candidate, and others moved as they did for some periods before launch",
        before=3,
        clusters=True,
    ),
    "stepped_wedge": Estimator(
        "stepped-wedge generalised least squares (Hussey and Hughes), errors robust by cluster",
        regression.stepped_wedge,
        "who starts when was drawn, and the effect is there from a partner's first period on",
        crossing=True,
        clusters=True,
        fewest=12,
    ),
    "switchback": Estimator(
        "switchback: within partners and periods, errors robust by cluster",
        regression.switchback,
        "when a partner is on the candidate was drawn, and what it started under one program ends within a period",
        crossing=True,
        clusters=True,
        fewest=12,
    ),
    "randomisation": Estimator(
        "randomisation test",
        relabelling.randomisation,
        "whatever was drawn, also for few clusters, if the candidate moves all partners alike",
        crossing=None,
        clusters=True,
    ),
    "before_after": Estimator(
        "before against after (naive)",
        regression.before_after,
        "nothing else changed at launch, which is hardly ever so: season, growth, deals held back until launch",
        before=1,
        crossing=None,
        compared=False,
    ),
}
"""Estimator by name; the one place where they are registered."""


def violated_assumptions(name: str, panel: PilotPanel, level: float = 0.05) -> Iterator[str]:
    """Why an estimator is not to be trusted on panels of this kind at a two-sided level, each with a way out."""
    estimator, kind = ESTIMATORS[name], _Kind(panel, level)
    before = panel.before.shape[2]
    if before < estimator.before:
        yield f"needs {estimator.before} periods before launch, and there are {before}: {kind.way_out}"
    if estimator.crossing is not None and estimator.crossing != kind.crossing:
        where = "partners that change sides" if kind.crossing else "groups that stay as they are"
        yield f"is not made for {where}: {kind.way_out}"
    if not estimator.compared:
        yield f"takes all that changed at launch for the effect: {kind.way_out}"
    elif not estimator.clusters and kind.clustered:
        yield f"takes what was assigned as one for assigned singly, so its errors are too small: {kind.way_out}"
    if kind.clusters < estimator.fewest:
        found = f"is not to be trusted below {estimator.fewest} clusters, and there are {kind.clusters}"
        yield f"{found}: {kind.way_out_of_few}"
    if not estimator.fewest and estimator.clusters and not kind.enough_labels:
        yield f"cannot reject at {level:g}, as labels could be drawn in {kind.labellings} ways only: assign more units"


class _Kind:
    """What assignment panels show, by the pilot that has fewest clusters."""

    def __init__(self, panel: PilotPanel, level: float) -> None:
        self.panel, self.level = panel, level
        self.seen: Bools = np.asarray(panel.observed.any(axis=2))
        there = [np.flatnonzero(row) for row in self.seen]  # who takes no part is in no cluster
        sizes = [at[np.unique(row[at], return_index=True)[1]] for row, at in zip(panel.cluster, there, strict=True)]
        self.pilot = int(np.argmin([len(first) for first in sizes]))
        self.first = sizes[self.pilot]

    @property
    def clusters(self) -> int:
        return len(self.first)

    @property
    def clustered(self) -> bool:
        return self.clusters < int(self.seen[self.pilot].sum())

    @property
    def crossing(self) -> bool:
        return bool((self.panel.treated != self.panel.treated[..., :1]).any())

    @cached_property
    def labellings(self) -> int:
        """In how many ways the courses of treatment can be shuffled among the clusters of a stratum."""
        course, stratum = (part[self.pilot][self.first] for part in (self.panel.treated, self.panel.stratum))
        ways = 1
        for home in np.unique(stratum):
            counts = np.unique(course[stratum == home], axis=0, return_counts=True)[1]
            ways *= factorial(int(counts.sum())) // prod(factorial(int(n)) for n in counts)
        return ways

    @property
    def enough_labels(self) -> bool:
        """Whether the labels in force and their mirror image are few enough among all."""
        return self.level * self.labellings >= 2

    @property
    def way_out(self) -> str:
        """The estimator that such panels are made for."""
        if self.crossing:
            back = bool((self.panel.treated[..., :-1] & ~self.panel.treated[..., 1:]).any())
            name = "switchback" if back else "stepped_wedge"
        else:
            name = "cluster" if self.clustered else "difference"
        return f"use '{name}'" if self.clusters >= ESTIMATORS[name].fewest else self.way_out_of_few

    @property
    def way_out_of_few(self) -> str:
        return "use 'randomisation'" if self.enough_labels else "no estimator on offer is, assign more units"
