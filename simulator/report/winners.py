"""Winners and losers in words, tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes

from simulator.errors import fault
from simulator.report.numbers import form_of_differences, form_of_estimates
from simulator.report.style import colour, draw_kind, interval, legend_beside, mark_zero, rows_for, sampled
from simulator.report.terminal import WIDTH, Row, blocks, wrapped
from simulator.report.wording import titled
from simulator.studies.winners import ALL, Group, Winners


def headline(study: Winners) -> list[str]:
    """A sentence per candidate and segment."""
    if not study.candidates:
        return ["Only the baseline was simulated; nobody can win or lose."]
    return [_sentence(study, group) for group in study.groups if group.size == ALL]


def describe(study: Winners, width: int = WIDTH) -> str:
    """Headline and tables for a terminal."""
    parts = [wrapped(headline(study), width)]
    for program in study.candidates:
        parts.append(f"{program}: pay per partner against the baseline (95 % CI), and who is paid more or less")
        parts[-1] += "\n" + _groups(study, study.of(program), width)
        parts.append(_moves(study, program, width))
    parts.append(f"{study.sample_text}; sizes are quarters of a segment's volume, 1 the smallest")
    return "\n\n".join(part for part in parts if part)


def draw(study: Winners, kind: str = "change", ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a figure of `kind` on `ax` or a new figure; raises `InputError` for an unknown kind."""
    return draw_kind(KINDS, study, kind, ax, **options)


def change(study: Winners, ax: Axes) -> Axes:
    """Change of pay per partner by segment and size, for each candidate, with 95 % intervals."""
    names = [_name(g) for g in study.of(study.candidates[0])] if study.candidates else []
    form = form_of_differences([g.change for g in study.groups], study.scenario.currency, study.scenario.currency)
    rows, count = rows_for(ax, names), max(len(study.candidates), 1)
    for k, program in enumerate(study.candidates):
        shift = 0.5 * ((count - 1) / 2 - k) / count
        for row, group in zip(rows, study.of(program), strict=True):
            got = group.change
            if got.mean is None or got.low is None or got.high is None:
                continue
            limits = [x * form.factor for x in (got.mean, got.low, got.high)]
            label = program if row == rows[0] else ""
            interval(ax, limits, row + shift, colour(k + 1), sure=got.distinguishable, label=label)
    mark_zero(ax)
    ax.set_xlabel(titled("Pay per partner, difference to the baseline", form.unit))
    ax.set_title("Who wins and who loses")
    legend_beside(ax)
    sampled(ax, f"{study.sample_text}; bars: 95 % CI; open: not distinguishable from 0")
    return ax


def moves(study: Winners, ax: Axes, program: str | None = None) -> Axes:
    """Where partners of each tier end up under a candidate, in percent of those that start there."""
    shown = next(iter(study.tiered()), None) if program is None else program
    table = study.moves(shown) if shown else None
    if table is None or table.empty:
        raise fault("options", "program", program, "has no tiers", "moves are between tiers")
    share = table.div(table.sum(axis=1).replace(0.0, 1.0), axis=0) * 100
    ax.imshow(share.to_numpy(), cmap="Blues", vmin=0.0, vmax=130.0, aspect="auto")
    for i, row in enumerate(share.to_numpy()):
        for j, x in enumerate(row):
            ax.text(j, i, f"{x:.0f} %", ha="center", va="center", fontsize=9)
    ax.grid(False)
    ax.set_xticks(range(len(table.columns)), list(table.columns))
    ax.set_yticks(range(len(table.index)), [f"{n} ({table.loc[n].sum():.1f} partners)" for n in table.index])
    ax.set_xlabel(f"Tier at the end under {shown}")
    ax.set_ylabel(f"Tier before ({study.starts()})")
    ax.set_title(f"Tier moves under {shown}")
    sampled(ax, study.sample_text)
    return ax


KINDS: dict[str, Callable[..., Axes]] = {"change": change, "moves": moves}
"""Kinds of figures; `moves` takes a `program` with tiers."""


def _name(group: Group) -> str:
    return group.segment if group.size == ALL else f"{group.segment}, size {group.size}"


def _sentence(study: Winners, group: Group) -> str:
    sizes = [g for g in study.of(group.program) if g.segment == group.segment and g.size != ALL]
    up = [g.size for g in sizes if g.change.distinguishable and (g.change.mean or 0.0) > 0]
    down = [g.size for g in sizes if g.change.distinguishable and (g.change.mean or 0.0) < 0]
    who = [f"{word}: sizes {', '.join(found)}" for word, found in (("gain", up), ("lose", down)) if found]
    form = form_of_differences([group.change], study.scenario.currency, study.scenario.currency)
    gained, lost = (100 * (got.mean or 0.0) for got in (group.gained, group.lost))
    said = form.difference(group.change).replace("n.d. ", "not distinguishable from 0, ")
    return (
        f"{group.program}, {group.segment}: pay per partner {said} {form.unit}; {gained:.0f} % of partners are paid "
        f"more, {lost:.0f} % less; {'; '.join(who) or 'no size gains or loses distinguishably'}."
    )


def _groups(study: Winners, groups: Sequence[Group], width: int) -> str:
    currency = study.scenario.currency
    of_change = form_of_differences([g.change for g in groups], currency, currency)
    of_pay = form_of_estimates([g.paid for g in groups], currency, currency)
    of_shares = form_of_estimates([x for g in groups for x in (g.gained, g.lost)], "share", currency)
    head = [titled("baseline", of_pay.unit), titled("change", of_change.unit), "paid more [%]", "paid less [%]"]
    rows: list[Row] = [
        (
            _name(g),
            [of_pay.estimate(g.paid), of_change.difference(g.change), of_shares.estimate(g.gained),
             of_shares.estimate(g.lost)],
        )
        for g in groups
    ]  # fmt: skip
    return blocks(head, rows, width)


def _moves(study: Winners, program: str, width: int) -> str:
    table = study.moves(program)
    if table.empty:
        return ""
    found = study.moved(program)
    form = form_of_estimates(list(found.values()), "count", study.scenario.currency)
    rows: list[Row] = [
        (f"from {start}", [form.estimate(found.get((start, end))) for end in table.columns]) for start in table.index
    ]
    title = f"{program}: partners by tier before ({study.starts()}) and at the end"
    return f"{title}\n{blocks([str(c) for c in table.columns], rows, width)}"
