"""A comparison in words and as HTML. A gap within the Monte Carlo error is called not distinguishable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from simulator.report.numbers import form_of_differences, form_of_estimates
from simulator.stats.measure import BASELINE

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario
    from simulator.stats.estimate import Difference, Estimate
    from simulator.stats.metric import Metric
    from simulator.studies.compare import Comparison


class Told(Protocol):
    """What a sentence on a program is made from."""

    @property
    def scenario(self) -> Scenario: ...

    def estimate(self, program: str, metric: str, /) -> Estimate | None: ...

    def difference(self, program: str, metric: str, /) -> Difference | None: ...

    def unit(self, metric: str, /) -> str: ...

    def definition(self, metric: str, /) -> Metric: ...


_VERBS = {
    "program_cost": ("costs", "more", "less"),
    "pipeline_created": ("creates", "more pipeline", "less pipeline"),
    "margin_after_cost": ("margin after cost is", "higher", "lower"),
}
"""By metric: verb, and what a positive and a negative difference are called."""


def headline(study: Comparison) -> list[str]:
    """A sentence per candidate on cost, pipeline, margin after cost and gaming."""
    if not study.candidates:
        return ["Only the baseline was simulated; there is nothing to compare."]
    return [sentence(study, program) for program in study.candidates]


def html(study: Comparison) -> str:
    """Headline and table for a notebook."""
    from simulator.report.page import Table, notebook

    metrics = study.headline_metrics()
    sample = f"{study.sample_text}, strategic rung; mean \u00b1 Monte Carlo standard error"
    rows = [[label, *cells] for label, cells in (estimates(study, metric) for metric in metrics)]
    table = Table("", ["Metric", *study.programs], rows, [study.definition(metric).doc for metric in metrics])
    return notebook(study.scenario.name, sample, headline(study), [table])


def estimates(study: Comparison, metric: str) -> tuple[str, list[str]]:
    """A metric with its unit, and its estimate for each program, all in one form."""
    found = [study.estimate(program, metric) for program in study.programs]
    form = form_of_estimates(found, study.unit(metric), study.scenario.currency)
    return titled(study.definition(metric).label, form.unit), [form.estimate(got) for got in found]


def gaps(study: Comparison, metric: str, programs: Sequence[str]) -> tuple[str, list[str]]:
    """A metric with its unit, and its difference to the baseline for each of the programs, all in one form."""
    found = [study.difference(program, metric) for program in programs]
    form = form_of_differences(found, study.unit(metric), study.scenario.currency)
    return titled(study.definition(metric).label, form.unit), [form.difference(got) for got in found]


def titled(label: str, unit: str) -> str:
    """`Program cost [k USD]`."""
    return f"{label} [{unit}]" if unit else label


def reasons(study: Comparison, metrics: Sequence[str]) -> list[str]:
    """Why figures of these metrics are undefined, each reason once with the programs it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for metric in metrics:
        for program in study.programs:
            got = study.estimate(program, metric)
            if got is not None and got.reason:
                found.setdefault((study.definition(metric).label, got.reason), []).append(program)
    return [f"{label}: {reason} ({', '.join(programs)})" for (label, reason), programs in found.items()]


def sentence(study: Told, program: str, of: Sequence[str] = (*_VERBS, "gaming_loss")) -> str:
    """What can be said of a candidate by the metrics `of`, never more than the error allows."""
    parts = [_compared(study, program, metric, *said) for metric, said in _VERBS.items() if metric in of]
    if "gaming_loss" in of:
        parts.append(_gaming(study, program))
    return f"{program}: {'; '.join(p for p in parts if p)}."


def _compared(study: Told, program: str, metric: str, verb: str, more: str, less: str) -> str:
    got = study.difference(program, metric)
    if got is None or got.mean is None or got.se is None:
        return f"{study.definition(metric).label.lower()} undefined"
    if got.mean == 0 and got.se == 0:
        return f"{verb} exactly as with the {BASELINE}"
    if not got.distinguishable:
        return f"{verb} not distinguishably {more} or {less.split()[0]}"
    form = form_of_differences([got], study.unit(metric), study.scenario.currency)
    low, high = sorted(abs(limit or 0.0) for limit in got.limits)
    span = f"95 % CI {form.number(low)} to {form.number(high)}"
    return f"{verb} {form.number(abs(got.mean))} {form.unit} {more if got.mean > 0 else less} ({span})"


def _gaming(study: Told, program: str) -> str:
    got = study.estimate(program, "gaming_loss")
    if got is None or got.mean is None or got.se is None:
        return ""
    if got.mean == 0 and got.se == 0:
        return "no gaming loss"
    form = form_of_estimates([got], study.unit("gaming_loss"), study.scenario.currency)
    if abs(got.mean) <= 2 * got.se:
        return "gaming loss not distinguishable from 0"
    share = study.estimate(program, "gaming_share")
    of_payout = f", {abs(share.mean):.1%} of payout" if share is not None and share.mean is not None else ""
    if got.mean < 0:
        lost = f"{form.number(-got.mean)} \u00b1 {form.number(got.se)} {form.unit}{of_payout}"
        return f"gaming loses nothing: penalties and the pay it crowds out come to {lost} more than it takes"
    return f"gaming loses {form.estimate(got)} {form.unit}{of_payout}"
