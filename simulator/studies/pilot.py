"""Plan a pilot: run it many times in worlds where the truth is known, and count what it concludes.

Every simulated pilot has a world, an assignment and a point of the uncertain numbers of its own; the same world is also
simulated with everybody and with nobody on the candidate, which gives the truth and the A/A pilots. Its page is the
pilot brief: who, how long, what is measured and how, what decides, what it can and cannot detect.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
from simulator.report.html import HtmlTable, facts, inline, render_page
from simulator.report.plots import QUIET, colour, sample_note
from simulator.report.tables import Column, Table
from simulator.report.text import listed
from simulator.scenario.schema import Scenario
from simulator.stats.estimate import Estimate, estimate, mean_of
from simulator.stats.sensitivity.factors import EstimateWithCI
from simulator.studies.base import Study
from simulator.studies.registry import Option, study
from simulator.studies.settings import Progress, RunSettings

REPLICATIONS = 256
"""Pilots that are simulated unless text."""
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
        lines = [f"{own.name} {why}" for why in own.violated_assumptions]
        if inflated_false_positives(own.figures["false_positives"], self.plan.measure.level):
            rate = own.figures["false_positives"].mean or 0.0
            better = [a.name for a in self.alternatives[1:] if a.holds(self.plan.measure.level)]
            way_out = f"use '{better[0]}', which keeps it" if better else "no estimator on offer keeps it here"
            if self.plan.interim.uncalibrated:
                way_out = "give its looks a boundary, such as 'obrien_fleming'"
            lines.append(
                f"{own.name} calls an effect in {100 * rate:.1f} % of pilots without one, above its level of "
                f"{100 * self.plan.measure.level:g} %: {way_out}"
            )
        return lines

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
        """A row per figure: value, standard error, 95 % limits, meaning."""
        rows = [
            {
                "figure": name, "label": d.label, "unit": d.unit, "value": self.figures[name].mean,
                "se": self.figures[name].se, "low": self.figures[name].low, "high": self.figures[name].high,
                "meaning": d.meaning,
            }
            for name, d in DIAGNOSANDS.items()
        ]  # fmt: skip
        return pd.DataFrame(rows).astype(dict.fromkeys(("value", "se", "low", "high"), float))

    def estimators(self) -> pd.DataFrame:
        """A row per estimator on the same pilots: what it sees, and whether it keeps its level."""
        return self.tables()[1].frame()

    def headline(self) -> list[str]:
        """Whether to run it, what it sees, how it may mislead, and what it is worth."""
        lines = [advice(self), sees(self), *overstates(self), *misleads(self), decides(self), *ends(self), worth(self)]
        return [line for line in (*lines, *(f"Warning: {line}." for line in self.warnings)) if line]

    def tables(self) -> list[Table]:
        """What was checked, estimators on the same pilots, and what is learned of uncertain numbers."""
        shown_figures, learned_numbers = shown(self), sorted(self.worth.learned, key=lambda n: -n.explained)
        form = money_form(self)
        tables = [
            Table(
                "What was checked, against the truth",
                [DIAGNOSANDS[name].label for name in shown_figures],
                [
                    Column("value", "mean \u00b1 SE", list(shown_figures.values()), "share", PERCENT),
                    Column("low", "95 % CI from", [got.low for got in shown_figures.values()], "share", PERCENT),
                    Column("high", "to", [got.high for got in shown_figures.values()], "share", PERCENT),
                ],
                key="figure",
            ),
            Table(
                "Estimators on the same pilots",
                [a.name for a in self.alternatives],
                [
                    Column(n, DIAGNOSANDS[n].label, [a.figures[n].mean for a in self.alternatives], "share", PERCENT)
                    for n in COMPARED
                ],
                key="estimator",
            ),
        ]
        if learned_numbers:
            columns = [
                Column("explained", "variance learned", [n.explained for n in learned_numbers], "share", PERCENT),
                Column("worth", "worth of knowing it", [n.worth.worth.value for n in learned_numbers], "", form),
            ]
            tables.append(Table("What is learned", [n.path for n in learned_numbers], columns, key="number"))
        return tables

    def notes(self) -> list[str]:
        """The plan in a sentence."""
        return [plan_text(self.plan)]

    def draw_power(self, ax: Axes) -> Axes:
        """Power against the lift of a full rollout, above the lifts that are plausible."""
        level, lifts = float(np.mean(self.concluded.readings.level)), self.lifts
        least = self.figures["detectable_lift"].mean
        ends = [*np.quantile(lifts, [0.02, 0.98]), 0.0, 1.2 * (least or 0.0)]
        grid = np.linspace(min(ends), max(ends), _POINTS)
        found = [self.concluded.power_at(x * level) for x in grid]
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
        ax.set_xlabel(f"lift of a full rollout on {OUTCOMES[self.plan.measure.outcome].label} [%]")
        ax.set_ylabel("share of pilots that call it")
        ax.set_title(f"What {quarters(self.plan.design.quarters)} can see")
        ax.legend(loc="upper left", fontsize=8)
        sample_note(ax, self.sample_text)
        return ax

    plot_kinds: ClassVar = {"power": draw_power}

    def _page(self) -> str:
        return render_page("pilot.html", **brief_content(self))

    def details(self) -> dict[str, Any]:
        """The plan, all figures with their errors, estimators, worth and looks."""
        return {
            "scenario": self.scenario.name,
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
        }


@study(
    "pilot",
    "Simulate the pilot of a plan in SCENARIO: what it can and cannot conclude, and what it is worth.",
    examples=[
        "pilot scenarios/b2b_manufacturer.toml --plan scenarios/pilots/b2b_manufacturer.toml --out brief.html",
    ],
)
def pilot(
    scenario: Scenario,
    plan: Annotated[Given, Option("Plan file: who, how long, what is measured, what decides", "FILE", parse=str)],
    *,
    replications: Annotated[int, Option("Pilots to simulate", "N")] = REPLICATIONS,
    seed: int | None = None,
    workers: int = 1,
    chunk: int | None = None,
    progress: Progress | None = None,
) -> Pilot:
    """Simulate a planned pilot many times, and say what it can and cannot conclude and what it is worth.

    plan: a plan file, nested dicts, or a `Plan`; replications: pilots simulated; seed: the scenario's if None. Neither
    workers nor chunk changes a result. Raises `InputError` with all faults.
    """
    checked = plan_of(plan, scenario)
    scenario = scenario_of(checked, scenario)
    start = RunSettings.of(
        scenario, replications=replications, seed=seed, workers=workers, chunk=chunk, least=FEWEST
    ).seed
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
    "significant": "go where the estimate is positive and clearly differs from 0 at the {level:g} % level",
    "above_threshold": "go where the estimated lift is above {threshold:.1f} %",
    "expected_value": "go where the net value expected after the pilot is positive",
}


def shown(study: Pilot) -> dict[str, Estimate]:
    """The figures of a pilot, without parts of others (`moved`, `from_...`) that are exactly nothing, and without the
    exaggeration, which is a factor and has a sentence of its own."""
    parts = ("moved", "shared", "from_")
    found = {n: got for n, got in study.figures.items() if got.mean or not n.startswith(parts)}
    return {name: got for name, got in found.items() if name != "exaggeration"}


def overstates(study: Pilot) -> list[str]:
    """By which factor an effect that it finds is too large on average."""
    factor = study.figures["exaggeration"].mean
    if factor is None:
        return []
    size = f"{factor:.0f}" if factor >= 3 else f"{factor:.1f}"
    return [f"When it finds an effect, it overstates it about {size}-fold."] if factor >= 1.05 else []


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
        return f"Run this pilot: it sees the mean lift with {_share('power', study)} power and {_gain(study)}."
    reasons = []
    if study.blind:
        reasons.append("it would not see even the high end of the lifts that are plausible")
    if study.worth.gain.value <= 0:
        better = "rolling out at once" if study.worth.now.value > 0 else "leaving things as they are"
        by = _money(study, study.worth.gain, -1.0)
        text = "is worth more, by" if study.worth.gain.high < 0 else "may be worth more, which is within error: by"
        reasons.append(f"{better} {text} {by}")
    if study.verdict == "do not run":
        return f"Do not run this pilot: {'; and '.join(reasons)}."
    return (
        f"This pilot is underpowered: it sees the mean lift with {_share('power', study)} power only, though it "
        f"{_gain(study)}; longer, with more partners or on an earlier outcome it would see more."
    )


def sees(study: Pilot) -> str:
    """What it can detect, beside what is plausible."""
    low, high = np.quantile(study.lifts, [0.1, 0.9])
    plausible = f"a full rollout lifts {OUTCOMES[study.plan.measure.outcome].label} by {_share('lift', study)}"
    least = study.figures["detectable_lift"]
    seen = "No lift is seen with 80 % power"
    if least.mean is not None:
        seen = f"A lift of {PERCENT.number(least.mean)} %{_within(least)} is seen with 80 % power"
    return (
        f"{seen}; {plausible} on average (P10 to P90: {PERCENT.number(low)} to {PERCENT.number(high)} %). Over all "
        f"that is not known of it the pilot calls a positive effect in {_share('assurance', study)} of cases."
    )


def misleads(study: Pilot) -> list[str]:
    """Bias and contamination where they can be text from 0, and what naive readings say beside the truth."""
    lines = {
        "bias": "A full rollout does not bring what the pilot shows: its estimate of the lift is off by "
        f"{_points(study, 'bias')}.",
        "contamination": "What partners who are not on the candidate feel of its effect is "
        f"{_points(study, 'contamination', '%')}, {_channels(study)}.",
        "by_source": "Counting all that partners on it sourced as its effect, the lift would be off by "
        f"{_points(study, 'by_source')}.",
    }
    return [*(words for name, words in lines.items() if _sure(study, name)), *_before_after(study)]


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
    lines = (
        f"Comparing with before launch alone, the lift would look like {_share('before_after', study)}: that is off by "
        f"{_points(study, 'pre_post')}{'' if _sure(study, 'pre_post') else ', within error'}"
    )
    if not study.figures["moved"].mean:
        return [f"{lines}; no dates are moved."]
    error = "" if _sure(study, "moved") else ", within error"
    return [f"{lines}. Dates that were moved by the timing game add {_points(study, 'moved')} of it{error}."]


def _sure(study: Pilot, name: str) -> bool:
    """Whether a figure can be text from 0."""
    got = study.figures[name]
    return got.low is not None and got.high is not None and (got.low > 0 or got.high < 0)


def _points(study: Pilot, name: str, unit: str = "points") -> str:
    got = study.figures[name]
    return f"{PERCENT.number(got.mean, sign=True)} {unit} (95 % CI {limits_text(got)})"


def decides(study: Pilot) -> str:
    """How often the rule errs."""
    return (
        f"By its rule it ends in a wrong launch, of a rollout that loses money, in {_share('wrong_go', study)} of "
        f"cases, and in a missed opportunity, no rollout though one gains, in {_share('wrong_stop', study)}."
    )


def ends(study: Pilot) -> list[str]:
    """What looks before the end and limits do, where there are any."""
    plan, k, w, lines = study.plan, study.concluded.seen, study.worth, []
    if len(k.periods) > 1:
        bounds = listed([f"{b:.2f}" if np.isfinite(b) else "none" for b in k.bounds])
        how = "as if each were the only one" if plan.interim.uncalibrated else "calibrated by simulation"
        naive = estimate_text(estimate(mean_of(k.naive_false_positives)))
        lines.append(
            f"With {len(k.periods)} looks (bounds on |z|, {how}: {bounds}) it calls an effect in "
            f"{100 * np.mean(k.crossed):.1f} %; without one in {_share('false_positives', study)} of "
            f"A/A pilots, and with each look at the full level in {naive}."
        )
    if plan.guardrails.any:
        lines.append(
            f"Its limits stop it in {100 * np.mean(k.stopped):.1f} % of pilots, which is no go, in "
            f"{100 * np.mean(k.stopped & (study.runs.value > 0)):.1f} % though a rollout gains."
        )
    if w.early is not None:
        weeks = plan.design.period_weeks * (k.length.mean or 0.0)
        open_ended = "" if w.early.low > 0 or w.early.high < 0 else ", which is within error"
        lines.append(
            f"So it takes {weeks:.0f} of {plan.weeks} weeks on average{_costs(study)}. Against one that is run to its "
            f"end whatever it sees that is worth {_money(study, w.early)}{open_ended}."
        )
    return lines


def _costs(study: Pilot) -> str:
    w, currency = study.worth, study.scenario.currency
    return f" and costs {w.cost:,.0f} of {w.most:,.0f} {currency}" if w.most else ""


def worth(study: Pilot) -> str:
    """What piloting is worth, and from when on it pays."""
    w, over = study.worth, quarters(study.plan.rollout.quarters)
    text = f"Over {over} what the estimate tells is worth {_money(study, w.sampled.worth)} (EVSI, before cost)"
    if w.perfect is not None:
        text += f", knowing everything {_money(study, w.perfect.worth)}"
    if w.break_even is None:
        return f"{text}. However long the decision counts, the pilot does not pay."
    return f"{text}. The pilot pays once the decision counts for {w.break_even:.1f} quarters or more."


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


def _share(name: str, study: Pilot) -> str:
    return estimate_text(study.figures[name])


def _within(got: Estimate) -> str:
    return "" if got.low is None or got.high is None else f" ({limits_text(got)})"


def learned(study: Pilot) -> str:
    """Which uncertain numbers the pilot tells most of."""
    known = [t for t in sorted(study.worth.learned, key=lambda t: -t.explained) if t.explained >= 0.05]
    if not known:
        return "It shows next to nothing of any single uncertain number."
    return f"It teaches {listed([f'{t.path} ({100 * t.explained:.0f} % of its variance)' for t in known])}."


_SHOWN = (
    "lift", "power", "assurance", "detectable_lift", "bias", "coverage", "false_positives", "wrong_go", "wrong_stop",
)  # fmt: skip
_ASSIGNED = {
    "parallel": "groups drawn at random",
    "stratified": "groups drawn at random within segments and sizes",
    "matched_pairs": "one of each pair of like size, drawn at random",
    "stepped_wedge": "groups that join one after another, in a drawn order",
    "switchback": "on and off the candidate in turn, in a drawn order",
}


def brief_content(study: Pilot) -> dict[str, Any]:
    """Texts, tables and the figure of the brief."""
    plan = study.plan
    return {
        "title": f"Pilot brief: {plan.label or plan.candidate}",
        "sample": f"{study.scenario.name}; {study.sample_text}; \u00b1 is a standard error",
        "advice": [advice(study), worth(study)],
        "design": facts(_brief_design(study)),
        "figure": {
            "svg": _brief_figure(study),
            "caption": "Power by lift, above the lifts that the scenario holds plausible.",
        },
        "can": [sees(study), learned(study)],
        "cannot": _cannot(study),
        "figures": _brief_figures(study),
        "worth": _brief_worth(study),
        "provenance": facts({"Scenario": study.scenario.name, "Seed": study.seed, "Pilots": len(study.runs.value)}),
    }


def _brief_design(study: Pilot) -> dict[str, str]:
    plan, d = study.plan, study.plan.design
    outcome = OUTCOMES[plan.measure.outcome]
    weeks = plan.weeks // plan.periods
    looks = plan.interim.looks
    return {
        "Who": f"{study.runs.partners:,.0f} partners, {_eligible(plan)}",
        "Assignment": f"{_ASSIGNED[d.assignment]}, by {d.unit}{_arms(plan)}",
        "How long": f"{quarters(d.quarters)} ({plan.weeks} weeks) from launch",
        "Measured": f"{outcome.label} ({outcome.kind} indicator), per partner and {weeks} weeks",
        "How": ESTIMATORS[plan.measure.estimator].title,
        "Decides": rule_text(plan),
        "Looks": "one, at the end" if looks == 1 else f"{looks}, boundary {plan.interim.boundary.replace('_', ' ')}",
        "Stops for harm": _guardrails(plan),
        "Costs to run": _brief_cost(study),
    }


def _arms(plan: Plan) -> str:
    share = f"{100 * plan.design.treated_share:.0f} %"
    if plan.other_arms:
        return f"; {share} each on it and on {', '.join(plan.other_arms)}"
    return f"; {share} on it" if plan.design.assignment in ("parallel", "stratified") else ""


def _brief_cost(study: Pilot) -> str:
    w, currency = study.worth, study.scenario.currency
    if not w.most:
        return "not stated"
    most = f"{w.most:,.0f} {currency}"
    return most if w.cost == w.most else f"{w.cost:,.0f} {currency} on average, {most} if run to its end"


def _eligible(plan: Plan) -> str:
    e = plan.eligible
    parts = [f"of {', '.join(e.segments)}" if e.segments else "of all segments"]
    if e.min_size is not None:
        parts.append(f"with bookings of {e.min_size:,.0f} or more last year")
    if e.max_size is not None:
        parts.append(f"with bookings of at most {e.max_size:,.0f} last year")
    if e.tenure_quarters:
        parts.append(f"there for {quarters(e.tenure_quarters)} or more")
    return ", ".join(parts)


def _guardrails(plan: Plan) -> str:
    g, lines = plan.guardrails, []
    if g.max_cost_overrun is not None:
        lines.append(f"cost more than {100 * g.max_cost_overrun:g} % above the baseline's")
    if g.max_gaming_share is not None:
        lines.append(f"gamed payout above {100 * g.max_gaming_share:g} %")
    if g.min_lift is not None:
        lines.append(f"an estimated lift below {100 * g.min_lift:g} %")
    return "; ".join(lines)


def _cannot(study: Pilot) -> list[str]:
    least, lines = study.figures["detectable_lift"].mean, []
    if least is not None:
        missed = float((study.lifts < least).mean())
        lines.append(
            f"Lifts below {PERCENT.number(least)} % are missed more often than one time in five; "
            f"{100 * missed:.0f} % of the plausible ones are."
        )
    lines += [*misleads(study), decides(study), *ends(study)]
    lines += overstates(study)
    lines += [f"{line[0].upper()}{line[1:]}." for line in study.warnings]
    return lines


def _brief_figures(study: Pilot) -> HtmlTable:
    rows = [
        [DIAGNOSANDS[name].label, estimate_text(study.figures[name]), limits_text(study.figures[name])]
        for name in _SHOWN
    ]
    return HtmlTable("What was checked, against the truth", ["", "Mean \u00b1 SE", "95 % CI"], rows)


def _brief_worth(study: Pilot) -> HtmlTable:
    w, form = study.worth, money_form(study)
    shown = {
        "A rollout at once": w.now, "The pilot and what it decides": w.after, "Gain from piloting": w.gain,
        "Value of what the estimate tells (EVSI)": w.sampled.worth,
    }  # fmt: skip
    if w.perfect is not None:
        shown["Value of knowing everything (EVPI)"] = w.perfect.worth
    rows = [[n, f"{form.number(f.value)} \u00b1 {form.number(f.se)}"] for n, f in shown.items()]
    over = quarters(study.plan.rollout.quarters)
    return HtmlTable(f"Worth over {over}, {form.unit}", ["", "Mean \u00b1 SE"], rows)


def _brief_figure(study: Pilot) -> Any:
    def draw() -> Figure:
        figure = Figure(figsize=(4.9, 3.4))
        study.draw_power(figure.subplots())
        return figure

    return inline(
        draw, "power", "Power by lift", f"Share of pilots that call a lift, by its size; {study.sample_text}."
    )
