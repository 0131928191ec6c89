"""What a leader needs of a comparison: what to choose, how sure that is, what it rests on, and how it can be gamed.

Programs are judged by net value, the money that the scenario's goals make of an outcome, against the baseline in the
same worlds. Intervals hold for all candidates at once, so a recommendation is not the luckiest of many.

The report that leadership reads: a recommendation, figures, what it rests on, how it is gamed, and what to try.

Every sentence is made from estimates: where an interval covers 0 nothing is claimed, and where programs are not told
apart they are named together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import ndtri

from simulator.metrics.measure import BASELINE, STRATEGIC, shown_programs
from simulator.metrics.net_value import goals_text
from simulator.report.formats import form_of_differences, form_of_estimates
from simulator.report.html import HtmlTable, facts, html_table, inline, render_page
from simulator.report.plots import figure_of
from simulator.report.publish import print_pdf, publish_files, write_text
from simulator.report.tables import write_workbook
from simulator.report.text import listed
from simulator.runs.run_directory import manifest_of, now
from simulator.runs.simulate import SimulationResult
from simulator.runs.stored_runs import StoredRun
from simulator.stats.estimate import Difference, Estimate, difference, joint_differences, mean_of
from simulator.stats.intervals import CONFIDENCE
from simulator.stats.ranking import Choice, choices
from simulator.studies.base import GRADES, value_in
from simulator.studies.compare import Comparison
from simulator.studies.lint.lint import Lint, lint
from simulator.studies.registry import page
from simulator.studies.sensitivity.method import share_text
from simulator.studies.sensitivity.study import Sensitivity, sensitivity_of

Verdict = Literal["choose", "one of", "no difference", "keep", "nothing to choose"]
_FEWEST = 50
"""Replications below which nothing is said of inputs."""
_POWER = 0.8
_READ = (
    ("qualified", "qualified opportunities", "leading"),
    ("pipeline", "pipeline created", "leading"),
    ("bookings", "bookings", "lagging"),
)


@dataclass(frozen=True)
class Reading:
    """How large a pilot as long as the horizon must be to see the simulated effect in one outcome.

    kind: leading or lagging; effect: mean difference per partner, in cents or hundredths of none; per_arm: partners in
    each of two arms, None where the effect is not distinguishable from 0.
    """

    outcome: str
    kind: str
    per_arm: int | None


@dataclass(frozen=True)
class Leadership:
    """A comparison, read for a decision.

    verdict: choose: one program is distinguishably better than the baseline and all others; one of: several are better
    than the baseline and not told apart; no difference: none is told apart from the baseline; keep: all are worse.
    named: the programs that the verdict is about; gains: net value over the baseline's, by candidate, with joint
    limits; choices: per program; influences, switches: which uncertain numbers the gain of the first named rests on,
    and where it changes sign, None without uncertain numbers; lint: weaknesses of the payout rules.
    """

    study: Comparison
    verdict: Verdict
    named: tuple[str, ...]
    gains: dict[str, Difference]
    choices: tuple[Choice, ...]
    influences: Sensitivity | None
    switches: Sensitivity | None
    lint: Lint
    readings: tuple[Reading, ...]

    @property
    def best(self) -> str:
        """The candidate with the highest mean gain, the baseline where there is none."""
        return max(self.gains, key=lambda p: self.gains[p].mean or 0.0) if self.gains else BASELINE

    def choice(self, program: str) -> Choice:
        """Chance of being best and regret of one program."""
        return next(c for c in self.choices if c.program == program)


def leadership(study: Comparison) -> Leadership:
    """Read a comparison for a decision. Takes seconds; simulates no partner but the reference population, for lint."""
    simulated = study.simulated
    programs = shown_programs(simulated)
    values = np.column_stack([value_in(simulated, p) for p in programs])
    gains = _gains(programs, values)
    verdict, named = _verdict(programs, values, gains)
    best = max(gains, key=lambda p: gains[p].mean or 0.0) if gains else None
    told = best is not None and bool(study.scenario.uncertainty) and simulated.replications >= _FEWEST
    about = (best,) if told and best is not None else ()
    return Leadership(
        study, verdict, named, gains, choices(programs, values),
        sensitivity_of(simulated, "given", programs=about) if about else None,
        sensitivity_of(simulated, "switching", programs=about) if about else None,
        lint(study.scenario, programs=programs),
        () if best is None else tuple(_reading(simulated, best, *row) for row in _READ),
    )  # fmt: skip


def _gains(programs: tuple[str, ...], values: np.ndarray) -> dict[str, Difference]:
    found = {p: mean_of(values[:, k]) for k, p in enumerate(programs)}
    others = [p for p in programs if p != BASELINE]
    gaps = joint_differences([found[p] for p in others], found[BASELINE])
    return dict(zip(others, gaps, strict=True))


def _verdict(
    programs: tuple[str, ...], values: np.ndarray, gains: dict[str, Difference]
) -> tuple[Verdict, tuple[str, ...]]:
    if not gains:
        return "nothing to choose", (BASELINE,)
    better = [p for p, got in gains.items() if got.distinguishable and (got.mean or 0.0) > 0]
    if not better:
        worse = all(got.distinguishable and (got.mean or 0.0) < 0 for got in gains.values())
        return ("keep", (BASELINE,)) if worse else ("no difference", (BASELINE,))
    best = max(better, key=lambda p: gains[p].mean or 0.0)
    at = {p: mean_of(values[:, programs.index(p)]) for p in gains}
    rivals = [p for p in gains if p != best]
    gaps = dict(zip(rivals, joint_differences([at[p] for p in rivals], at[best]), strict=True)) if rivals else {}
    close = [p for p, gap in gaps.items() if not gap.distinguishable and p in better]
    return ("one of", (best, *close)) if close else ("choose", (best,))


def _reading(simulated: SimulationResult, program: str, total: str, outcome: str, kind: str) -> Reading:
    r"""Partners per arm, n = 2 (z_{.975} + z_{.8})^2 sd^2 / effect^2 of a two-sample comparison of means.

    The variance of one partner's result is that of the total over replications, per partner. It holds what all partners
    share, which cancels between arms, so n is on the large side; partners that differ make it larger.
    """
    own, base = (np.asarray(simulated.totals[p, STRATEGIC][total], dtype=float) for p in (program, BASELINE))
    gap = difference(mean_of(own), mean_of(base))
    if not gap.distinguishable or not gap.mean:
        return Reading(outcome, kind, None)
    partners = int(simulated.totals[BASELINE, STRATEGIC]["partners"][0])
    z = float(ndtri(0.5 + CONFIDENCE / 2) + ndtri(_POWER))
    per_arm = 2.0 * z * z * partners * float(np.var(base, ddof=1)) / gap.mean**2
    return Reading(outcome, kind, max(2, math.ceil(per_arm)))


_FIGURE = (4.9, 3.7)
_GAMED = ("gaming_loss", "p_gaming_above_5pct", "gaming_tail_mean")
_MOST_WEAKNESSES = 12
_GRADED = {
    "A": "a study or an official document", "B": "a trade survey", "C": "marketing", "J": "judgement",
}  # fmt: skip


@page("Comparison")
def comparison_page(study: Comparison) -> str:
    """The report of a comparison that is not stored."""
    manifest = {**manifest_of(study.simulated, when=now()), **study.manifest()}
    return html(leadership(study), StoredRun(Path("not stored"), manifest))


def html(found: Leadership, run: StoredRun) -> str:
    """The report as one HTML page."""
    return render_page("leadership.html", **content(found, run), figures=list(_figures(found)))


def content(found: Leadership, run: StoredRun) -> dict[str, Any]:
    """Texts and tables of the report."""
    study = found.study
    return {
        "title": f"{study.scenario.name}: which incentive program",
        "sample": f"{study.sample_text}; {study.scenario.time.horizon_weeks} weeks from launch; "
        f"money in {study.scenario.currency}; \u00b1 is a standard error, intervals are {study.interval_text}",
        "recommendation": recommendation(found),
        "headline": study.headline(),
        "metrics": html_table(study.tables()[0]),
        "decision": html_table(study.difference_table()),
        "more_tables": [html_table(t) for t in study.tables()[1:] if t.title != study.difference_table().title],
        "rests_on": _rests_on(found),
        "assumptions": _assumptions(found),
        "gaming": _gaming(found),
        "weaknesses": _weaknesses(found),
        "pilot": _pilot(found),
        "readings": _readings(found),
        "method": _method(found),
        "provenance": _provenance(run),
        "definitions": _definitions(found),
    }


def recommendation(found: Leadership) -> list[str]:
    """What to do, how sure that is, and what would change it."""
    return [_advice(found), _confidence(found), _change(found)]


def _advice(found: Leadership) -> str:
    first, *others = found.named
    if found.verdict == "nothing to choose":
        return "Only the baseline was simulated, so there is nothing to choose."
    if found.verdict == "choose":
        ahead = " and is ahead of every other candidate's" if len(found.gains) > 1 else ""
        return f"Choose {first}: its net value is {_gain(found, first)} above the baseline's{ahead}."
    if found.verdict == "one of":
        worth = f"each is worth more than the baseline, {first} by {_gain(found, first)}"
        return f"Choose {first} or {listed(others)}: {worth}, and these runs do not tell them apart."
    if found.verdict == "keep":
        return "Keep the baseline: every candidate's net value is distinguishably below it."
    best = f"the highest, that of {found.best}, differs by {_gain(found, found.best)}"
    return f"Keep the baseline for now: no candidate's net value is distinguishably above it; {best}."


def _gain(found: Leadership, program: str) -> str:
    got, currency = found.gains[program], found.study.scenario.currency
    form = form_of_differences([got], currency, currency)
    low, high = (form.number(x) for x in got.limits)
    return f"{form.number(got.mean)} {form.unit} ({found.study.interval_text} {low} to {high})"


def _confidence(found: Leadership) -> str:
    if not found.gains:
        return ""
    name = found.named[0] if found.named[0] != BASELINE else found.best
    choice, currency = found.choice(name), found.study.scenario.currency
    form = form_of_estimates([choice.regret], currency, currency)
    best, worst = choice.best, form.number(choice.worst)
    error = "" if best.mean is None or best.se is None else f" \u00b1 {100 * best.se:.1f}"
    return (
        f"Over {found.study.scenario.time.horizon_weeks} weeks {name} turns out the best of all programs in "
        f"{100 * (best.mean or 0.0):.0f}{error} % of the replications; having chosen it loses "
        f"{form.estimate(choice.regret)} {form.unit} on average against knowing the outcome in advance, and {worst} "
        f"{form.unit} in the worst of them."
    )


def _change(found: Leadership) -> str:
    if not found.gains:
        return ""
    if found.switches is None:
        if found.study.scenario.uncertainty:
            return "There are too few replications to say which assumption would change this."
        return (
            "No uncertain numbers are declared, so all this holds for the numbers as they stand and says nothing of "
            "what is not known about them."
        )
    rows, pair = found.switches.found[found.best], f"{found.best} and the baseline"
    flips = [r for r in rows if r.verdict == "flips"]
    if flips:
        said = [f"{r.factor} = {listed([f'{c.at:.3g}' for c in r.crossings])}" for r in flips]
        return f"What would change it: the better of {pair} changes at {listed(said)}, the rest as declared."
    unsure = [r.factor for r in rows if r.verdict != "does not flip"]
    if unsure:
        return f"Whether {listed(unsure)} could turn {pair} around within its range cannot be told here."
    return f"No single uncertain number turns {pair} around within what is declared."


def _rests_on(found: Leadership) -> list[str]:
    goals = f"Net value is {goals_text(found.study.scenario.goals)}."
    if found.influences is None:
        return [goals, "No uncertain number was looked at: none is declared, or there are too few replications."]
    names = found.influences.mattering(found.best)
    if not names:
        none = f"No single uncertain number explains a distinguishable part of what {found.best} gains"
        return [goals, f"{none}; chance and their interplay do."]
    weakest = max((found.influences.task.grade(n) for n in names), key=GRADES.index)
    weak = listed([n for n in names if found.influences.task.grade(n) == weakest])
    said = f"What {found.best} gains over the baseline goes with {listed(names)}."
    return [goals, said, f"The weakest evidence among these is {_GRADED[weakest]} (grade {weakest}), for {weak}."]


def _assumptions(found: Leadership) -> HtmlTable:
    head = ["Uncertain number", "Share of variance", "Evidence", "10 % to 90 %", "Source"]
    rows: list[list[str]] = []
    given: Sensitivity | None = found.influences
    if given is not None:
        inputs = {i.path: i for i in given.task.inputs}
        for row in sorted(given.found[found.best], key=lambda r: -r.first.value):
            i = inputs[row.factor]
            unit = f" {i.unit}" if i.unit else ""
            rows.append([i.path, share_text(row.first), i.grade, f"{i.low:.3g} to {i.high:.3g}{unit}", i.source])
    return HtmlTable(f"Assumptions by their share of the variance of {found.best}'s gain", head, rows)


def _gaming(found: Leadership) -> list[str]:
    said = [f"{program}: {line}." for program in found.study.programs if (line := _gamed(found, program))]
    if not found.lint.findings:
        return [*said, "The payout rules show no weakness without simulation."]
    return [*said, "Found in the payout rules without simulation, most money at stake first:"]


def _gamed(found: Leadership, program: str) -> str:
    """What gaming does to a program, in a sentence."""
    study = found.study
    loss, often, tail = (study.estimate(program, metric) for metric in _GAMED)
    if loss is None or loss.mean is None or loss.se is None:
        return ""
    if loss.mean == 0 and loss.se == 0:
        return "no gaming loss at all"
    if abs(loss.mean) <= 2 * loss.se:
        return "no clear gaming loss"
    said = [f"gaming loses {_money(found, loss)}"]
    if often is not None and often.mean is not None:
        said.append(f"it passes 5 % of payout in {100 * often.mean:.0f} % of the replications")
    if tail is not None and tail.mean is not None:
        said.append(f"in the worst 5 % of replications it is {_money(found, tail)}")
    return "; ".join(said)


def _money(found: Leadership, got: Estimate) -> str:
    form = form_of_estimates([got], found.study.scenario.currency, found.study.scenario.currency)
    return f"{form.estimate(got)} {form.unit}"


def _weaknesses(found: Leadership) -> HtmlTable:
    rows = []
    for f in sorted(found.lint.findings, key=lambda f: -f.stake)[:_MOST_WEAKNESSES]:
        rows.append([f.program, f.text, f"{f.stake:,.0f}", f.fix])
    left = len(found.lint.findings) - len(rows)
    more = f"; {left} smaller ones are left out" if left > 0 else ""
    caption = f"Weaknesses of payout rules, {found.lint.currency} per year at stake if every partner used them{more}"
    return HtmlTable(caption, ["Program", "What", "At stake", "Fix"], rows)


def _pilot(found: Leadership) -> list[str]:
    if not found.gains:
        return []
    partners = found.study.simulated.totals[BASELINE, "strategic"]["partners"][0]
    weeks = found.study.scenario.time.horizon_weeks
    seen = [(r.per_arm, r) for r in found.readings if r.per_arm is not None]
    if not seen:
        return [f"A pilot has nothing to see: the effect of {found.best} is not distinguishable from 0 even here."]
    least, easiest = min(seen, key=lambda row: row[0])
    said = (
        f"The easiest outcome to read is {easiest.outcome} ({easiest.kind}): two arms of {least:,} partners over "
        f"{weeks} weeks would see the simulated effect of {found.best} with 80 % power."
    )
    fit = f"There are {partners} partners, so this can be done."
    if 2 * least > partners:
        fit = (
            f"There are only {partners} partners, so no pilot by partner sees it in that time; a rollout in steps with "
            "a rule for stopping is the honest alternative."
        )
    rough = (
        "This is rough and on the large side: results vary here as whole markets do, part of which cancels between "
        "arms, and a look at partners' earlier results would cut it. It knows nothing of partners who talk, of "
        "customers found by one that another would have found, or of deals held back across the launch; a plan that "
        "`incentive-sim pilot` simulates has all of that."
    )
    return [said, fit, rough]


def _readings(found: Leadership) -> HtmlTable:
    none = "effect not distinguishable"
    rows = [[r.outcome, r.kind, none if r.per_arm is None else f"{r.per_arm:,}"] for r in found.readings]
    head = ["Outcome", "Indicator", "Partners per arm"]
    return HtmlTable(f"Partners per arm to see the effect of {found.best}", head, rows)


def _method(found: Leadership) -> list[str]:
    study = found.study
    return [
        "Partners decide on effort and on how they file deals from the payout that each program offers them. All "
        "programs meet the same partners, customers and chance, so that what they share does not blur differences.",
        "Each program is simulated three times: without a response of partners, with it, and with gaming on "
        "top. Figures are of the last unless said otherwise.",
        f"{study.measured.sampling.text.capitalize()}.",
        *study.reasons(),
    ]


def _provenance(run: StoredRun) -> list[tuple[str, str]]:
    m = run.manifest
    packages = ", ".join(f"{name} {version}" for name, version in m["packages"].items() if version)
    return facts(
        {
            "Run": run.name, "Created": m["created"], "Command": " ".join(m["command"]), "Seed": m["seed"],
            "Replications": m["replications"], "Engine": m["engine"], "Scenario (SHA-256)": m["scenario_sha256"],
            "Code (SHA-256)": m.get("code_sha256"), "Identity": m.get("identity"),
            "Machine": f"{m['platform']}, Python {m['python']}", "Packages": packages,
        }
    )  # fmt: skip


def _definitions(found: Leadership) -> HtmlTable:
    study = found.study
    rows = [[study.definition(m).label, study.definition(m).doc] for m in study.headline_metrics()]
    return HtmlTable("What the metrics mean", ["Metric", "Definition"], rows)


def _figures(found: Leadership) -> Iterator[dict[str, Any]]:
    study, sample = found.study, found.study.sample_text
    drawn: list[tuple[str, str, Callable[[Axes], Axes]]] = [
        ("frontier", "Cost and pipeline against the baseline", lambda ax: study.plot("frontier", ax)),
        ("cost", "Distribution of program cost", lambda ax: study.plot("cost", ax)),
        (
            "ladder",
            "What rests on behavior",
            lambda ax: study.plot("ladder", ax, metric="incremental_margin"),
        ),
        ("gaming", "Gaming loss", lambda ax: study.plot("gaming", ax)),
    ]
    if found.influences is not None:
        given, best = found.influences, found.best
        drawn.append(("given", "What the gain goes with", lambda ax: given.plot(best, ax)))
    for name, title, paint in drawn:
        yield {
            "svg": inline(partial(figure_of, paint, *_FIGURE), name, title, f"{title}; {sample}."),
            "caption": f"{title}.",
        }


def publish(found: Leadership, run: StoredRun, files: Mapping[str, Path]) -> None:
    """Write the report as each of `files`, by format: html, pdf, markdown or excel.

    Raises `InputError` where a file is there already or its directory is not, before anything is written, and
    `SimulatorError` where a PDF is asked for and there is no browser to print it.
    """
    makers: dict[str, Callable[[Path], None]] = {
        "html": lambda path: write_text(path, html(found, run)),
        "pdf": lambda path: print_pdf(html(found, run), path),
        "markdown": lambda path: write_text(path, markdown(found, run)),
        "excel": lambda path: write_workbook(_sheets(found), path),
    }
    publish_files(makers, files)


def _sheets(found: Leadership) -> dict[str, pd.DataFrame]:
    """The tables of the workbook."""
    study = found.study
    sheets = {
        "recommendation": pd.DataFrame({"recommendation": recommendation(found)}),
        "differences": study.differences(),
        "metrics": study.metrics,
        "ladder": study.ladder(),
        "lint": found.lint.table(),
    }
    return sheets if found.influences is None else {**sheets, "assumptions": found.influences.table()}


def markdown(found: Leadership, run: StoredRun) -> str:
    """The report on one page of Markdown: recommendation, figures, assumptions, pilot."""
    c = content(found, run)
    first, *more = c["recommendation"]
    t = c["assumptions"]
    assumptions = HtmlTable(t.caption, t.head[:4], [row[:4] for row in t.rows[:5]])
    parts = [
        f"# {_plain(c['title'])}", c["sample"], f"**{_plain(first)}**", *map(_plain, more),
        "## What each program does", *map(_plain, c["headline"]), _grid(c["decision"]),
        "## What it rests on", *map(_plain, c["rests_on"]), _grid(assumptions) if assumptions.rows else "",
        "## Gaming", *(_plain(line) for line in c["gaming"] if not line.endswith(":")),
        "## A pilot", *map(_plain, c["pilot"]),
        f"Run `{run.name}`, seed {run.manifest['seed']}, {run.manifest['replications']:,} replications.",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _plain(text: str) -> str:
    """Text in which Markdown and HTML find nothing to read."""
    for mark in ("\\", "`", "*", "_", "<", ">", "[", "]", "|", "#"):
        text = text.replace(mark, "\\" + mark)
    return text


def _grid(t: HtmlTable) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_plain(cell) or " " for cell in cells) + " |"

    rule = "|" + "---|" * len(t.head)
    return "\n".join([line(t.head), rule, *(line(row) for row in t.rows)])
