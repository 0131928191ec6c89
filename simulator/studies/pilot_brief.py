"""The pilot on one page: who, how long, what is measured and how, what decides, what it can and cannot detect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from simulator.pilots.diagnosands import DIAGNOSANDS
from simulator.pilots.estimators import ESTIMATORS
from simulator.pilots.outcomes import OUTCOMES
from simulator.pilots.plan import Plan
from simulator.report.html import HtmlTable, facts, inline, render_page
from simulator.studies import pilot as words

if TYPE_CHECKING:
    from simulator.studies.pilot import Pilot

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


def html(study: Pilot) -> str:
    """The brief as one HTML page."""
    return render_page("pilot.html", **content(study))


def content(study: Pilot) -> dict[str, Any]:
    """Texts, tables and the figure of the brief."""
    plan = study.plan
    return {
        "title": f"Pilot brief: {plan.label or plan.candidate}",
        "sample": f"{study.scenario.name}; {study.sample_text}; \u00b1 is a standard error",
        "advice": [words.advice(study), words.worth(study)],
        "design": facts(_design(study)),
        "figure": {
            "svg": _figure(study),
            "caption": "Power by lift, above the lifts that the scenario holds plausible.",
        },
        "can": [words.sees(study), words.learned(study)],
        "cannot": _cannot(study),
        "figures": _figures(study),
        "worth": _worth(study),
        "provenance": facts({"Scenario": study.scenario.name, "Seed": study.seed, "Pilots": len(study.runs.value)}),
    }


def _design(study: Pilot) -> dict[str, str]:
    plan, d = study.plan, study.plan.design
    outcome = OUTCOMES[plan.measure.outcome]
    weeks = plan.weeks // plan.periods
    looks = plan.interim.looks
    return {
        "Who": f"{study.runs.partners:,.0f} partners, {_eligible(plan)}",
        "Assignment": f"{_ASSIGNED[d.assignment]}, by {d.unit}{_arms(plan)}",
        "How long": f"{words.quarters(d.quarters)} ({plan.weeks} weeks) from launch",
        "Measured": f"{outcome.label} ({outcome.kind} indicator), per partner and {weeks} weeks",
        "How": ESTIMATORS[plan.measure.estimator].title,
        "Decides": words.rule_text(plan),
        "Looks": "one, at the end" if looks == 1 else f"{looks}, boundary {plan.interim.boundary.replace('_', ' ')}",
        "Stops for harm": _guardrails(plan),
        "Costs to run": _cost(study),
    }


def _arms(plan: Plan) -> str:
    share = f"{100 * plan.design.treated_share:.0f} %"
    if plan.other_arms:
        return f"; {share} each on it and on {', '.join(plan.other_arms)}"
    return f"; {share} on it" if plan.design.assignment in ("parallel", "stratified") else ""


def _cost(study: Pilot) -> str:
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
        parts.append(f"there for {words.quarters(e.tenure_quarters)} or more")
    return ", ".join(parts)


def _guardrails(plan: Plan) -> str:
    g, said = plan.guardrails, []
    if g.max_cost_overrun is not None:
        said.append(f"cost more than {100 * g.max_cost_overrun:g} % above the baseline's")
    if g.max_gaming_share is not None:
        said.append(f"gamed payout above {100 * g.max_gaming_share:g} %")
    if g.min_lift is not None:
        said.append(f"an estimated lift below {100 * g.min_lift:g} %")
    return "; ".join(said)


def _cannot(study: Pilot) -> list[str]:
    least, said = study.figures["detectable_lift"].mean, []
    if least is not None:
        missed = float((study.lifts < least).mean())
        said.append(
            f"Lifts below {words.PERCENT.number(least)} % are missed more often than one time in five; "
            f"{100 * missed:.0f} % of the plausible ones are."
        )
    said += [*words.misleads(study), words.decides(study), *words.ends(study)]
    told = study.figures["exaggeration"]
    if told.mean is not None:
        said.append(f"An effect that it does call looks {told.mean:.2f} times as large as it is, on average.")
    said += [f"{line[0].upper()}{line[1:]}." for line in study.warnings]
    return said


def _figures(study: Pilot) -> HtmlTable:
    rows = [
        [DIAGNOSANDS[name].label, words.estimate_text(study.figures[name]), words.limits_text(study.figures[name])]
        for name in _SHOWN
    ]
    return HtmlTable("What it concludes, beside the truth", ["", "Mean \u00b1 SE", "95 % CI"], rows)


def _worth(study: Pilot) -> HtmlTable:
    w, form = study.worth, words.money_form(study)
    shown = {
        "A rollout at once": w.now, "The pilot and what it decides": w.after, "Gain from piloting": w.gain,
        "Value of what the estimate tells (EVSI)": w.sampled.worth,
    }  # fmt: skip
    if w.perfect is not None:
        shown["Value of knowing everything (EVPI)"] = w.perfect.worth
    rows = [[n, f"{form.number(f.value)} \u00b1 {form.number(f.se)}"] for n, f in shown.items()]
    over = words.quarters(study.plan.rollout.quarters)
    return HtmlTable(f"Worth over {over}, {form.unit}", ["", "Mean \u00b1 SE"], rows)


def _figure(study: Pilot) -> Any:
    def draw() -> Figure:
        figure = Figure(figsize=(4.9, 3.4))
        words.draw(study, figure.subplots())
        return figure

    return inline(
        draw, "power", "Power by lift", f"Share of pilots that call a lift, by its size; {study.sample_text}."
    )
