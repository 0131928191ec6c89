"""Plan a pilot: run it many times in worlds where the truth is known, and count what it concludes.

Every simulated pilot has a world, an assignment and a point of the uncertain numbers of its own; beside it the same
world is lived with everybody and with nobody on the candidate, which gives the truth and the A/A pilots.

A planned pilot in words, as text and as a figure. What is within the Monte Carlo error is called so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulator.core.arrays import Array, Ints
from simulator.core.errors import fault
from simulator.pilots.decision import PilotWorth, conclude, worth_of
from simulator.pilots.diagnosands import (
    DIAGNOSANDS,
    POWER,
    PilotConclusions,
    diagnose,
    inflated_false_positives,
    sees_plausible,
    textbook_power,
)
from simulator.pilots.estimators import ESTIMATORS, violated_assumptions
from simulator.pilots.interim_analysis import breaches, first_breach, limit_values
from simulator.pilots.outcomes import OUTCOMES
from simulator.pilots.panel import CHANNELS
from simulator.pilots.plan import Given, Interim, Plan, plan_of, scenario_of
from simulator.pilots.simulate import PilotRuns, count_before, run_pilots
from simulator.report.formats import UNDEFINED, NumberFormat, form_of
from simulator.report.plots import QUIET, colour, new_axes, sample_note, styled
from simulator.report.text import WIDTH, listed, text_table, wrap
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Estimate, estimate, mean_of
from simulator.stats.sensitivity.factors import EstimateWithCI
from simulator.studies.base import Study, check_run, timed

REPLICATIONS = 256
"""Pilots that are simulated unless told."""
FEWEST = 8
COMPARED = ("power", "assurance", "detectable_lift", "bias", "coverage", "false_positives")
"""Diagnosands that estimators are compared by."""
Verdict = Literal["run", "underpowered", "do not run"]


@dataclass(frozen=True)
class Alternative:
    """An estimator on the same pilots.

    figures: diagnosands by name; violated_assumptions: why it is not to be trusted here, a sentence each.
    """

    name: str
    figures: dict[str, Estimate]
    violated_assumptions: tuple[str, ...]

    def holds(self, level: float) -> bool:
        """Whether it fits the design and keeps its level in A/A pilots."""
        return not self.violated_assumptions and not inflated_false_positives(self.figures["false_positives"], level)


@dataclass(frozen=True)
class Pilot(Study):
    """What a planned pilot can and cannot conclude.

    figures: diagnosands by name; alternatives: the plan's estimator first, then the others on the same pilots; worth:
    what piloting is worth; textbook: power by closed forms, None where they do not apply.
    """

    scenario: Scenario
    plan: Plan
    seed: int
    runs: PilotRuns
    concluded: PilotConclusions
    figures: dict[str, Estimate]
    alternatives: tuple[Alternative, ...]
    worth: PilotWorth
    textbook: float | None = None

    @property
    def title(self) -> str:
        """What was studied."""
        return f"{self.scenario.name}: a pilot of {self.plan.candidate}"

    @property
    def sample_text(self) -> str:
        """What the figures rest on."""
        return f"{len(self.runs.value):,} simulated pilots, seed {self.seed}"

    @property
    def lifts(self) -> Array:
        """Lift of a full rollout in each world, (R,): what is plausible."""
        return self.concluded.readings.effect / float(np.mean(self.concluded.readings.level))

    @property
    def warnings(self) -> list[str]:
        """Why the plan's estimator is not to be trusted, each with one that is."""
        own = self.alternatives[0]
        said = [f"{own.name} {why}" for why in own.violated_assumptions]
        if inflated_false_positives(own.figures["false_positives"], self.plan.measure.level):
            rate = own.figures["false_positives"].mean or 0.0
            better = [a.name for a in self.alternatives[1:] if a.holds(self.plan.measure.level)]
            way_out = f"use '{better[0]}', which keeps it" if better else "no estimator on offer keeps it here"
            if self.plan.interim.uncalibrated:
                way_out = "give its looks a boundary, such as 'obrien_fleming'"
            said.append(
                f"{own.name} calls an effect in {100 * rate:.1f} % of pilots without one, above its level of "
                f"{100 * self.plan.measure.level:g} %: {way_out}"
            )
        return said

    @property
    def blind(self) -> bool:
        """Whether not even the high end of the plausible lifts (P90) would be seen with 80 % power."""
        return not sees_plausible(self.concluded, self.figures["detectable_lift"])

    @property
    def verdict(self) -> Verdict:
        """Do not run what cannot see any plausible lift, or costs more than it is worth."""
        if self.blind or self.worth.gain.value <= 0:
            return "do not run"
        power = self.figures["power"].mean
        return "run" if power is not None and power >= POWER else "underpowered"

    def table(self) -> pd.DataFrame:
        """A row per diagnosand: value, standard error, 95 % limits, meaning."""
        rows = [
            {
                "diagnosand": name, "label": d.label, "unit": d.unit, "value": self.figures[name].mean,
                "se": self.figures[name].se, "low": self.figures[name].low, "high": self.figures[name].high,
                "meaning": d.meaning,
            }
            for name, d in DIAGNOSANDS.items()
        ]  # fmt: skip
        return pd.DataFrame(rows).astype(dict.fromkeys(("value", "se", "low", "high"), float))

    def estimators(self) -> pd.DataFrame:
        """A row per estimator on the same pilots: what it sees, whether it keeps its level, and why it may not fit."""
        rows = []
        for a in self.alternatives:
            found = {name: a.figures[name].mean for name in COMPARED}
            rows.append({"estimator": a.name, **found, "violated_assumptions": "; ".join(a.violated_assumptions)})
        return pd.DataFrame(rows).astype(dict.fromkeys(COMPARED, float))

    def headline(self) -> list[str]:
        """Whether to run it, what it sees, and what it is worth."""
        # MOVED

        return headline(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Power against the lift of a full rollout, above the lifts that are plausible."""
        # MOVED

        return draw(self, ax)

    def brief(self) -> str:
        """The pilot on one page, as HTML."""
        from simulator.studies.pilot_brief import html

        return html(self)

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain dicts."""
        return {
            "scenario": self.scenario.name,
            "study": "pilot",
            "plan": self.plan.model_dump(mode="json"),
            "seed": self.seed,
            "pilots": len(self.runs.value),
            "verdict": self.verdict,
            "figures": {name: _plain(got) for name, got in self.figures.items()},
            "estimators": {
                a.name: {n: _plain(a.figures[n]) for n in COMPARED}
                | {"violated_assumptions": list(a.violated_assumptions)}
                for a in self.alternatives
            },
            "worth": asdict(self.worth),
            "textbook_power": self.textbook,
            "looks": self.concluded.seen.plain() if self.plan.ends_early else None,
            "warnings": self.warnings,
            "headline": self.headline(),
        }


@timed
def pilot(
    scenario: Scenario,
    plan: Given,
    *,
    replications: int = REPLICATIONS,
    seed: int | None = None,
    workers: int = 1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Pilot:
    """Simulate a planned pilot many times, and say what it can and cannot conclude and what it is worth.

    plan: a plan file, nested dicts, or a `Plan`; replications: pilots simulated; seed: the scenario's if None. Neither
    workers nor chunk changes a result. Raises `InputError` with all faults.
    """
    checked = plan_of(plan, scenario)
    scenario = scenario_of(checked, scenario)
    start = scenario.run.seed if seed is None else seed
    check_run(replications=replications, seed=start, workers=workers, chunk=chunk)
    if replications < FEWEST:
        raise fault("options", "replications", replications, f"must be at least {FEWEST} for a pilot")
    _check_before(checked, scenario)
    (runs,) = run_pilots(
        scenario, [checked], [checked.measure.outcome, "payout"], replications=replications, seed=start,
        workers=workers, chunk=chunk, progress=progress,
    )  # fmt: skip
    return study_of(scenario, checked, runs, start)


def _check_before(plan: Plan, scenario: Scenario) -> None:
    """Raises `InputError` where the estimator needs more of the time before launch than there is."""
    name = plan.measure.estimator
    needed = ESTIMATORS[name].before
    there = count_before(scenario.time.burn_in_weeks, plan.design.period_weeks)
    if there < needed:
        rule = f"needs {needed} period{'' if needed == 1 else 's'} before launch, and there is {there or 'none'}"
        way_out = "use 'difference', a longer time.burn_in_weeks of the scenario, or a shorter period_weeks"
        raise fault("plan", "measure.estimator", name, rule, way_out)


def study_of(scenario: Scenario, plan: Plan, runs: PilotRuns, seed: int) -> Pilot:
    """The study of pilots that were simulated."""
    readings = runs.by_outcome[plan.measure.outcome]
    context = None if runs.contexts is None else runs.contexts.get(plan.measure.outcome)
    harm, early = _harm(plan, runs), plan.ends_early
    concluded = conclude(plan, readings, runs.value, seed, context=context, harm=harm)
    whole = conclude(_to_the_end(plan), readings, runs.value, seed, aa_pilots=1) if early else None
    name, level = plan.measure.estimator, plan.measure.level
    own = Alternative(name, diagnose(concluded), tuple(violated_assumptions(name, readings.panel, level)))
    worth = worth_of(plan, concluded, runs.gained, runs.partners, runs.inputs, seed, whole)
    fit = (
        other
        for other, e in ESTIMATORS.items()
        if other != name and not e.slow and not any(violated_assumptions(other, readings.panel, level))
    )
    others = (
        Alternative(other, diagnose(conclude(with_estimator(plan, other), readings, runs.value, seed, harm=harm)), ())
        for other in fit
    )
    return Pilot(
        scenario, plan, seed, runs, concluded, own.figures, (own, *others), worth, textbook_power(readings, level)
    )


def _to_the_end(plan: Plan) -> Plan:
    return plan.model_copy(update={"interim": Interim()})


def _harm(plan: Plan, runs: PilotRuns) -> Ints | None:
    """Period at whose end limits stop each pilot."""
    if not plan.guardrails.any or "payout" not in runs.by_outcome:
        return None
    panel, paid = runs.by_outcome[plan.measure.outcome].panel, runs.by_outcome["payout"].panel
    seen = limit_values(plan.guardrails, panel, paid, runs.without_gaming, ESTIMATORS[plan.measure.estimator].estimate)
    return first_breach(breaches(plan.guardrails, seen))[0]


def with_estimator(plan: Plan, estimator: str) -> Plan:
    """The plan with another estimator."""
    return plan.model_copy(update={"measure": plan.measure.model_copy(update={"estimator": estimator})})


def _plain(got: Estimate) -> dict[str, Any]:
    found: dict[str, Any] = {"value": got.mean, "se": got.se, "low": got.low, "high": got.high}
    return found if not got.reason else {**found, "reason": got.reason}


PERCENT = NumberFormat(100.0, 1, "%")
_POINTS = 60
_RULES = {
    "significant": "go where the estimate is positive and told apart from 0 at the {level:g} % level",
    "above_threshold": "go where the estimated lift is above {threshold:.1f} %",
    "expected_value": "go where the net value expected after the pilot is positive",
}


def headline(study: Pilot) -> list[str]:
    """Whether to run it, what it sees, how it may mislead, and what it is worth."""
    said = [advice(study), sees(study), *misleads(study), decides(study), *ends(study), worth(study)]
    return [line for line in (*said, *(f"Warning: {line}." for line in study.warnings)) if line]


def describe(study: Pilot, width: int = WIDTH) -> str:
    """Headline, diagnosands, estimators, and what is learned."""
    rows = [(DIAGNOSANDS[name].label, [estimate_text(got), limits_text(got)]) for name, got in shown(study).items()]
    head = ["mean \u00b1 SE", "95 % CI"]
    tables = [
        f"{plan_text(study.plan)}\n{study.sample_text}",
        wrap(headline(study), width),
        f"What the pilot concludes, beside the truth\n{text_table(head, rows, width)}",
        f"Estimators on the same pilots\n{_estimators(study, width)}",
    ]
    if study.worth.learned:
        tables.append(f"What it teaches\n{_taught(study, width)}")
    return "\n\n".join(tables)


def shown(study: Pilot) -> dict[str, Estimate]:
    """The figures of a pilot, without parts of others (`moved`, `from_...`) that are exactly nothing."""
    parts = ("moved", "shared", "from_")
    return {n: got for n, got in study.figures.items() if got.mean or not n.startswith(parts)}


def plan_text(plan: Plan) -> str:
    """The plan in a sentence."""
    d = plan.design
    many = "all eligible partners" if d.partners is None else f"{d.partners} partners"
    read = f"{OUTCOMES[plan.measure.outcome].label} by '{plan.measure.estimator}'"
    beside = f" beside {listed(list(plan.other_arms))}" if plan.other_arms else ""
    return (
        f"{plan.label or plan.candidate} on trial{beside}: {many}, {d.assignment.replace('_', ' ')} by {d.unit}, "
        f"{quarters(d.quarters)}; {read}; {rule_text(plan)}."
    )


def rule_text(plan: Plan) -> str:
    """What decides, in words."""
    threshold = plan.decision.threshold or 0.0
    return _RULES[plan.decision.rule].format(level=100 * plan.measure.level, threshold=100 * threshold)


def advice(study: Pilot) -> str:
    """Whether to run it, and why not."""
    if study.verdict == "run":
        return f"Run this pilot: it sees the mean lift with {_said('power', study)} power and {_gain(study)}."
    reasons = []
    if study.blind:
        reasons.append("it would not see even the high end of the lifts that are plausible")
    if study.worth.gain.value <= 0:
        better = "rolling out at once" if study.worth.now.value > 0 else "leaving things as they are"
        by = _money(study, study.worth.gain, -1.0)
        told = "is worth more, by" if study.worth.gain.high < 0 else "may be worth more, which is within error: by"
        reasons.append(f"{better} {told} {by}")
    if study.verdict == "do not run":
        return f"Do not run this pilot: {'; and '.join(reasons)}."
    return (
        f"This pilot is underpowered: it sees the mean lift with {_said('power', study)} power only, though it "
        f"{_gain(study)}; longer, with more partners or on an earlier outcome it would see more."
    )


def sees(study: Pilot) -> str:
    """What it can detect, beside what is plausible."""
    low, high = np.quantile(study.lifts, [0.1, 0.9])
    plausible = f"a full rollout lifts {OUTCOMES[study.plan.measure.outcome].label} by {_said('lift', study)}"
    least = study.figures["detectable_lift"]
    seen = "No lift is seen with 80 % power"
    if least.mean is not None:
        seen = f"A lift of {PERCENT.number(least.mean)} %{_within(least)} is seen with 80 % power"
    return (
        f"{seen}; {plausible} on average (P10 to P90: {PERCENT.number(low)} to {PERCENT.number(high)} %). Over all "
        f"that is not known of it the pilot calls a positive effect in {_said('assurance', study)} of cases."
    )


def misleads(study: Pilot) -> list[str]:
    """Bias and contamination where they can be told from 0, and what naive readings say beside the truth."""
    said = {
        "bias": "A full rollout does not bring what the pilot shows: its estimate of the lift is off by "
        f"{_points(study, 'bias')}.",
        "contamination": "What partners who are not on the candidate feel of its effect is "
        f"{_points(study, 'contamination', '%')}, {_channels(study)}.",
        "by_source": "Counting all that partners on it sourced as its effect, the lift would be off by "
        f"{_points(study, 'by_source')}.",
    }
    return [*(words for name, words in said.items() if _sure(study, name)), *_before_after(study)]


def _channels(study: Pilot) -> str:
    """What contamination is made of."""
    there = {words: f"from_{c}" for c, words in CHANNELS.items() if study.figures[f"from_{c}"].mean}
    if len(there) == 1:
        return f"all through {next(iter(there))}"
    parts = [f"{words} ({_points(study, name, '%')})" for words, name in there.items()]
    return f"through {listed(parts)}" if parts else "which has no channel"


def _before_after(study: Pilot) -> list[str]:
    """What comparing with before launch says of the lift, by how much that is off, and what timing games do to it."""
    if study.figures["pre_post"].mean is None:
        return []
    said = (
        f"Comparing with before launch alone, the lift would look like {_said('before_after', study)}: that is off by "
        f"{_points(study, 'pre_post')}{'' if _sure(study, 'pre_post') else ', within error'}"
    )
    if not study.figures["moved"].mean:
        return [f"{said}; no dates are moved."]
    error = "" if _sure(study, "moved") else ", within error"
    return [f"{said}. Dates that were moved by the timing game add {_points(study, 'moved')} of it{error}."]


def _sure(study: Pilot, name: str) -> bool:
    """Whether a figure can be told from 0."""
    got = study.figures[name]
    return got.low is not None and got.high is not None and (got.low > 0 or got.high < 0)


def _points(study: Pilot, name: str, unit: str = "points") -> str:
    got = study.figures[name]
    return f"{PERCENT.number(got.mean, sign=True)} {unit} (95 % CI {limits_text(got)})"


def decides(study: Pilot) -> str:
    """How often the rule errs."""
    return (
        f"By its rule it goes though a rollout loses money in {_said('wrong_go', study)} of cases, and stops though "
        f"one gains in {_said('wrong_stop', study)}."
    )


def ends(study: Pilot) -> list[str]:
    """What looks before the end and limits do, where there are any."""
    plan, k, w, said = study.plan, study.concluded.seen, study.worth, []
    if len(k.periods) > 1:
        bounds = listed([f"{b:.2f}" if np.isfinite(b) else "none" for b in k.bounds])
        how = "as if each were the only one" if plan.interim.uncalibrated else "calibrated by simulation"
        naive = estimate_text(estimate(mean_of(k.naive_false_positives)))
        said.append(
            f"With {len(k.periods)} looks (bounds on |z|, {how}: {bounds}) it calls an effect in "
            f"{100 * np.mean(k.crossed):.1f} %; without an "
            f"effect it calls one in {_said('false_positives', study)} of A/A pilots, and with each look at the full "
            f"level in {naive}."
        )
    if plan.guardrails.any:
        said.append(
            f"Its limits stop it in {100 * np.mean(k.stopped):.1f} % of pilots, which is no go, in "
            f"{100 * np.mean(k.stopped & (study.runs.value > 0)):.1f} % though a rollout gains."
        )
    if w.early is not None:
        weeks = plan.design.period_weeks * (k.length.mean or 0.0)
        open_ended = "" if w.early.low > 0 or w.early.high < 0 else ", which is within error"
        said.append(
            f"So it takes {weeks:.0f} of {plan.weeks} weeks on average{_costs(study)}. Against one that is run to its "
            f"end whatever it sees that is worth {_money(study, w.early)}{open_ended}."
        )
    return said


def _costs(study: Pilot) -> str:
    w, currency = study.worth, study.scenario.currency
    return f" and costs {w.cost:,.0f} of {w.most:,.0f} {currency}" if w.most else ""


def worth(study: Pilot) -> str:
    """What piloting is worth, and from when on it pays."""
    w, over = study.worth, quarters(study.plan.rollout.quarters)
    told = f"Over {over} what the estimate tells is worth {_money(study, w.sampled.worth)} (EVSI, before cost)"
    if w.perfect is not None:
        told += f", knowing everything {_money(study, w.perfect.worth)}"
    if w.break_even is None:
        return f"{told}. However long the decision counts, the pilot does not pay."
    return f"{told}. The pilot pays once the decision counts for {w.break_even:.1f} quarters or more."


def draw(study: Pilot, ax: Axes | None = None) -> Axes:
    """Power against the lift of a full rollout, above the lifts that are plausible."""
    level, lifts = float(np.mean(study.concluded.readings.level)), study.lifts
    least = study.figures["detectable_lift"].mean
    ends = [*np.quantile(lifts, [0.02, 0.98]), 0.0, 1.2 * (least or 0.0)]
    grid = np.linspace(min(ends), max(ends), _POINTS)
    found = [study.concluded.power_at(x * level) for x in grid]
    with styled():
        ax = new_axes() if ax is None else ax
        ax.hist(100 * lifts, bins=30, range=(100 * grid[0], 100 * grid[-1]), density=False, color="#D9D9D9",
                weights=np.full(len(lifts), 1.0 / len(lifts)), label="plausible lifts (share of worlds)")  # fmt: skip
        ax.fill_between(100 * grid, [p.low or 0.0 for p in found], [p.high or 0.0 for p in found],
                        color=colour(1), alpha=0.25, linewidth=0)  # fmt: skip
        ax.plot(100 * grid, [p.mean or 0.0 for p in found], color=colour(1), label="power (95 % CI)")
        ax.axhline(POWER, color=QUIET, linewidth=1.0, linestyle="--")
        if least is not None:
            ax.plot([100 * least], [POWER], "o", color=colour(0), label=f"least lift with 80 %: {100 * least:.1f} %")
        ax.set_ylim(0.0, 1.32)  # room for the legend
        ax.set_yticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
        ax.set_xlabel(f"lift of a full rollout on {OUTCOMES[study.plan.measure.outcome].label} [%]")
        ax.set_ylabel("share of pilots that call it")
        ax.set_title(f"What {quarters(study.plan.design.quarters)} can see")
        ax.legend(loc="upper left", fontsize=8)
        sample_note(ax, study.sample_text)
    return ax


def quarters(count: int) -> str:
    """`1 quarter`, `3 quarters`."""
    return f"{count} quarter{'' if count == 1 else 's'}"


def estimate_text(got: Estimate) -> str:
    """`82.4 ± 2.1 %`."""
    if got.mean is None:
        return UNDEFINED
    error = "" if got.se is None else f" \u00b1 {PERCENT.number(got.se)}"
    return f"{PERCENT.number(got.mean)}{error} %"


def limits_text(got: Estimate) -> str:
    """`78.1 to 86.3 %`."""
    if got.low is None or got.high is None:
        return got.reason or UNDEFINED
    return f"{PERCENT.number(got.low)} to {PERCENT.number(got.high)} %"


def money_form(study: Pilot) -> NumberFormat:
    """How money of this study is written."""
    w, currency = study.worth, study.scenario.currency
    shown = [w.gain, w.sampled.worth, w.after]
    return form_of([f.value for f in shown], [f.se for f in shown], currency, currency)


def _money(study: Pilot, got: EstimateWithCI, sign: float = 1.0) -> str:
    form = money_form(study)
    low, high = sorted((sign * got.low, sign * got.high))
    return f"{form.number(sign * got.value)} {form.unit} (95 % CI {form.number(low)} to {form.number(high)})"


def _gain(study: Pilot) -> str:
    over = f"{_money(study, study.worth.gain)} over the better of a rollout at once and none"
    return f"gains {over}" if study.worth.gain.low > 0 else f"may gain, which is within error: {over}"


def _said(name: str, study: Pilot) -> str:
    return estimate_text(study.figures[name])


def _within(got: Estimate) -> str:
    return "" if got.low is None or got.high is None else f" ({limits_text(got)})"


def _estimators(study: Pilot, width: int) -> str:
    table = study.estimators().drop(columns="violated_assumptions")
    names = [c for c in table.columns if c != "estimator"]
    rows = [
        (str(row["estimator"]), ["\u2013" if np.isnan(row[n]) else f"{100 * row[n]:.1f} %" for n in names])
        for _, row in table.iterrows()
    ]
    return text_table([DIAGNOSANDS[n].label for n in names], rows, width)


def _taught(study: Pilot, width: int) -> str:
    rows = [
        (t.path, [f"{100 * t.explained:.0f} %", _money(study, t.worth.worth)])
        for t in sorted(study.worth.learned, key=lambda t: -t.explained)
    ]
    return text_table(["variance learned", "worth of knowing it"], rows, width)


def learned(study: Pilot) -> str:
    """Which uncertain numbers the pilot tells most of."""
    told = [t for t in sorted(study.worth.learned, key=lambda t: -t.explained) if t.explained >= 0.05]
    if not told:
        return "It tells next to nothing of any single uncertain number."
    return f"It teaches {listed([f'{t.path} ({100 * t.explained:.0f} % of its variance)' for t in told])}."
