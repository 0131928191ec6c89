"""A sensitivity study in words, as text and as HTML. An index whose interval covers 0 is called so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.metrics.net_value import goals_text
from simulator.report.formats import NumberFormat, form_of
from simulator.report.html import HtmlTable, notebook
from simulator.report.text import WIDTH, text_table, with_unit, wrap
from simulator.stats.estimate import Difference
from simulator.stats.sensitivity.factors import EstimateWithCI
from simulator.studies.base import GRADES
from simulator.studies.sensitivity.outcome import NET_VALUE

if TYPE_CHECKING:
    from simulator.studies.sensitivity.study import Sensitivity

Cells = dict[str, str]
_PERCENT = NumberFormat(100.0, 0, "%")
_SHARE = NumberFormat(100.0, 1, "%")


@dataclass(frozen=True)
class _Words:
    """sentence: what a program's rows say; cells: the columns of a row; note: how to read them."""

    sentence: Callable[[Sensitivity, str], str]
    cells: Callable[[Any, NumberFormat], list[tuple[str, Cells]]]
    note: str


def headline(study: Sensitivity) -> list[str]:
    """A sentence per program, and the weakest evidence among the inputs that matter."""
    said = [f"{program}: {_WORDS[study.method.name].sentence(study, program)}." for program in study.programs]
    return [*said, *_weakest(study)]


def describe(study: Sensitivity, width: int = WIDTH) -> str:
    """Headline, a table per program, and how to read it."""
    parts = [wrap(headline(study), width)]
    for program in study.programs:
        head, rows = _table(study, program)
        parts.append(
            f"{_caption(study, program)}\n{text_table(head, [(label, list(cells)) for label, cells in rows], width)}"
        )
    return "\n\n".join([*parts, wrap(notes(study), width)])


def html(study: Sensitivity) -> str:
    """Headline and tables for a notebook."""
    tables = []
    for program in study.programs:
        head, rows = _table(study, program)
        tables.append(HtmlTable(_caption(study, program), ["", *head], [[label, *cells] for label, cells in rows]))
    sample = f"{study.method.meaning}; {study.sample_text}"
    return notebook(study.scenario.name, sample, headline(study), tables, notes(study))


def notes(study: Sensitivity) -> list[str]:
    """How to read the figures, and what they rest on."""
    found = [f"{_WORDS[study.method.name].note} Rests on {study.sample_text}; n.d.: not distinguishable from 0."]
    if study.outcome.metric == NET_VALUE:
        found.append(f"Net value: {goals_text(study.scenario.goals)}.")
    if study.scenario.correlation:
        found.append(_TIED[study.method.design is not None])
    if any(i.discrete for i in study.inputs) and study.method.name == "tornado":
        found.append("An input with stated values only moves from one of them to another, or not at all.")
    found.append("Grades in brackets: A study or official document, B trade survey, C marketing, J judgement.")
    return found


def form_for(study: Sensitivity, program: str) -> NumberFormat:
    """The form of figures in the outcome's unit; without one where a method gives none."""
    if study.method.name != "tornado":
        return NumberFormat(1.0, 0, "")
    figures = [f for row in study.found[program] for f in vars(row).values() if isinstance(f, EstimateWithCI)]
    form = form_of([f.value for f in figures], [f.se for f in figures], study.outcome.unit, study.scenario.currency)
    return NumberFormat(
        form.factor, form.decimals, "points" if form.unit == "%" and study.outcome.against else form.unit
    )


def figure_text(got: EstimateWithCI, form: NumberFormat) -> str:
    """`+120 [+100, +140]`, marked where the interval covers 0."""
    return form.difference(Difference(got.value, got.se, got.low, got.high))


def share_text(got: EstimateWithCI, form: NumberFormat = _PERCENT) -> str:
    """`31 % [25, 37]`, marked where the interval covers 0."""
    if got.exactly_zero:
        return "0 exactly"
    mark = "" if got.distinguishable else "n.d. "
    return f"{mark}{form.number(got.value)} % [{form.number(got.low)}, {form.number(got.high)}]"


def _weakest(study: Sensitivity) -> list[str]:
    """The inputs that matter with the weakest grade of evidence."""
    names = dict.fromkeys(name for program in study.programs for name in study.mattering(program))
    if not names:
        return []
    worst = max((study.grade(name) for name in names), key=GRADES.index)
    weakest = [name for name in names if study.grade(name) == worst]
    return [f"Of the inputs that matter, the weakest evidence (grade {worst}) is for {listed(weakest)}."]


def _table(study: Sensitivity, program: str) -> tuple[list[str], list[tuple[str, list[str]]]]:
    form, cells = form_for(study, program), _WORDS[study.method.name].cells
    rows = [(name, got) for row in study.found[program] for name, got in cells(row, form)]
    head = list(dict.fromkeys(column for _, got in rows for column in got))
    graded = {factor.name for factor in study.task.factors}  # a box has rows that are no input
    label = {name: f"{name} [{study.grade(name)}]" for name, _ in rows if name in graded}
    return head, [(label.get(name, name), [got.get(column, "") for column in head]) for name, got in rows]


def _caption(study: Sensitivity, program: str) -> str:
    return with_unit(f"{program}: {study.outcome.words}", form_for(study, program).unit)


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)


def _split(study: Sensitivity, program: str, size: Callable[[Any], float]) -> tuple[list[Any], list[str]]:
    """Rows that matter, the largest first; and the names of the others."""
    rows = study.found[program]
    matter = sorted((r for r in rows if r.distinguishable), key=size, reverse=True)
    return matter, [r.factor for r in rows if not r.distinguishable]


def _said(matter: Sequence[str], others: Sequence[str], nothing: str) -> str:
    """What matters in words, and what is indistinguishable from 0."""
    parts = [*matter] or [nothing]
    if others and matter:
        parts.append(f"indistinguishable from 0: {listed(others)}")
    return "; ".join(parts)


def _given(study: Sensitivity, program: str) -> str:
    matter, others = _split(study, program, lambda r: float(r.first.value))
    said = [f"{r.factor} {share_text(r.first)}" for r in matter]
    if said:
        said[0] = f"of the variance of {study.outcome.words} in a replication goes with {said[0]}"
    return _said(said, others, f"no input explains a share of the variance of {study.outcome.words} that is above 0")


def _sobol(study: Sensitivity, program: str) -> str:
    matter, others = _split(study, program, lambda r: float(r.total.value))
    said = [f"{r.factor} alone {share_text(r.first)}, with interactions {share_text(r.total)}" for r in matter]
    if said:
        said[0] = f"of what ignorance does to {study.outcome.words}, {said[0]}"
    return _said(said, others, f"no index of {study.outcome.words} is above 0")


def _tornado(study: Sensitivity, program: str) -> str:
    form = form_for(study, program)
    matter, others = _split(study, program, lambda r: max(abs(f.value) for f in (r.low, r.high, r.swing)))
    said = [f"{_range(study, r.factor)}: {figure_text(r.swing, form)} {form.unit}" for r in matter]
    if said:
        said[0] = f"{study.outcome.words} changes from P10 to P90 of {said[0]}"
    return _said(said, others, f"no input changes {study.outcome.words} by more than the error")


def _range(study: Sensitivity, factor: str) -> str:
    known = {i.path: i for i in study.inputs}
    return f"{factor} ({known[factor].low:.3g} to {known[factor].high:.3g})" if factor in known else factor


def _switching(study: Sensitivity, program: str) -> str:
    parts = []
    for row in study.found[program]:
        if row.verdict == "flips":
            where = listed([_crossing(c) for c in row.crossings])
            parts.append(f"the better of it and {study.outcome.against} changes at {row.factor} = {where}")
        elif row.verdict == "does not flip":
            parts.append(f"the ranking does not flip within the range of {row.factor}")
        else:
            parts.append(f"whether it flips within the range of {row.factor} cannot be told")
    return "; ".join(parts)


def _crossing(c: Any) -> str:
    low, high = ("beyond the range" if end is None else f"{end:.3g}" for end in (c.low, c.high))
    return f"{c.at:.3g} (95 % limits {low} to {high})"


def _prim(study: Sensitivity, program: str) -> str:
    (box,) = study.found[program]
    against = study.outcome.against
    share = f"falls behind {against} in {share_text(box.share)} of replications"
    if not box.found:
        return f"{share}; no box of inputs was found in which that is more frequent by more than the error"
    where = " and ".join(_interval(limit) for limit in box.limits)
    return (
        f"{share}; where {where}, in {share_text(box.density)}, which are {share_text(box.coverage)} of all such cases"
    )


def _interval(limit: Any) -> str:
    if limit.low is None:
        return f"{limit.factor} <= {limit.high:.3g}"
    if limit.high is None:
        return f"{limit.factor} >= {limit.low:.3g}"
    return f"{limit.low:.3g} <= {limit.factor} <= {limit.high:.3g}"


def _box_cells(box: Any, _form: NumberFormat) -> list[tuple[str, Cells]]:
    whole = [
        ("in the box", {"falls behind": share_text(box.density), "of all such cases": share_text(box.coverage)}),
        ("everywhere", {"falls behind": share_text(box.share), "of all such cases": "100 %"}),
    ]
    limits = [
        (
            limit.factor,
            {
                "from": "" if limit.low is None else f"{limit.low:.4g}",
                "to": "" if limit.high is None else f"{limit.high:.4g}",
                "quasi-p": f"{limit.p:.2g}",
            },
        )
        for limit in box.limits
    ]
    return [*limits, *whole]


def _switch_cells(row: Any, _form: NumberFormat) -> list[tuple[str, Cells]]:
    where = ", ".join(_crossing(c) for c in row.crossings) if row.distinguishable else ""
    return [(row.factor, {"range": f"{row.start:.3g} to {row.end:.3g}", "verdict": row.verdict, "at": where})]


_TIED = {
    False: "Inputs are correlated: a figure counts what goes with an input, also through others that move along.",
    True: "Inputs are correlated, but are moved here one by one, or in their groups.",
}
_WORDS = {
    "given": _Words(
        _given,
        lambda r, _: [(r.factor, {"share of variance": share_text(r.first, _SHARE)})],
        "Shares of the variance of a replication, 95 % CI; what is left is luck and interactions.",
    ),
    "tornado": _Words(
        _tornado,
        lambda r, form: [
            (
                r.factor,
                {
                    "at P10": figure_text(r.low, form),
                    "at P90": figure_text(r.high, form),
                    "P10 to P90": figure_text(r.swing, form),
                },
            )
        ],
        "Change from all inputs at their medians, same worlds, 95 % CI.",
    ),
    "switching": _Words(
        _switching,
        _switch_cells,
        "All other inputs are averaged over. A flip is claimed where each program is better somewhere in the range by "
        "more than the error.",
    ),
    "prim": _Words(
        _prim, _box_cells, "The box is sought on half of the replications; its figures are of the other half, 95 % CI."
    ),
    "sobol": _Words(
        _sobol,
        lambda r, _: [
            (
                r.factor,
                {
                    "alone": share_text(r.first, _SHARE),
                    "with interactions": share_text(r.total, _SHARE),
                    "luck left": f"{100 * r.luck:.1f} %",
                },
            )
        ],
        "Shares of the variance that uncertain inputs give the average of these worlds, 95 % CI. Luck left: share of "
        "that variance which is luck that the average still holds; it counts as interaction, and more worlds lower it.",
    ),
}
