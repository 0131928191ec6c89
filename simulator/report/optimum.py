"""A search in words, tables and figures, and as a run directory."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from simulator import results
from simulator.report.numbers import Form, form_of_differences, form_of_estimates
from simulator.report.optimum_figures import draw, short_path
from simulator.report.save_study import figure_files
from simulator.report.style import figure_of
from simulator.report.terminal import WIDTH, Row, blocks, wrapped
from simulator.report.wording import titled
from simulator.stats.estimate import Difference, Estimate
from simulator.stats.metric import Metric
from simulator.stats.metrics import METRICS
from simulator.studies.optimum import BEST, SHOWN, Optimum, Retold

_SCAN = 101


def headline(found: Optimum) -> list[str]:
    """What fresh worlds show of the best setting, against the baseline and against the linear program."""
    best = found.retold[BEST]
    lines = [f"{found.levers.program}: {_settings(found)}."]
    if not found.feasible:
        limits = ", ".join(str(limit) for limit in found.levers.limits)
        lines.append(f"No setting tried kept all constraints ({limits}); the closest one is shown.")
    lines.append(f"On fresh worlds it {_gains(found, best.gain, 'the baseline')}.")
    over = found.over_linear
    if over is not None:
        lines.append(f"Against one flat share of revenue at the same expected cost it {_gains(found, over, 'that')}.")
    else:
        lines.append("No flat share of revenue costs as much, so there is no linear program to compare with.")
    lines.append(_curse(found, best))
    lines += _at_ends(found)
    lines += _broken(found, best)
    return lines


def describe(found: Optimum, width: int = WIDTH) -> str:
    """Headline and tables for a terminal."""
    parts = [
        wrapped(headline(found), width),
        "Programs (95 % CI for gains; mean \u00b1 standard error on fresh worlds for the rest)\n"
        + blocks(list(found.retold), _programs(found), width),
        "Levers: ranges that lose no more than that, the others at their best values\n" + _levers(found, width),
        f"{found.sample_text}; {len(found.searched.trials)} settings in {found.searched.rounds} rounds, "
        f"{found.simulated_lives:,} candidate replications",
    ]
    return "\n\n".join(parts)


def save(found: Optimum, out: str | os.PathLike[str], *, command: Sequence[str] = (), plots: bool = True) -> Path:
    """Write the run directory of a search below `out`, and return it."""
    when = results.now()
    files: dict[str, results.Writer] = {
        "scenario.json": results.json_file(found.scenario.tree()),
        "optimum.json": results.json_file(found.to_dict()),
        "programs.parquet": results.table_file(found.table().reset_index()),
        "settings.parquet": results.table_file(found.frontier()),
        "flatness.parquet": results.table_file(found.flatness()),
        "summary.json": results.json_file({"sample": found.sample_text, "headline": headline(found)}),
    }
    if plots:
        files |= _figures(found)
    asked = [results.scenario_hash(found.scenario), found.seed, found.replications, found.to_dict()["constraints"]]
    short = hashlib.sha256(json.dumps([*asked, list(found.best)]).encode()).hexdigest()[:8]
    name = f"optimize_{found.levers.program}_seed{found.seed}_{when:%Y%m%dT%H%M%SZ}_{short}"
    manifest = results.manifest(
        found.scenario, when, command, programs=[found.levers.program], seed=found.seed,
        replications=found.replications, engine="vector",
    )  # fmt: skip
    return results.write_run(out, name, files, manifest)


def _figures(found: Optimum) -> dict[str, results.Writer]:
    paints = {kind: partial(draw, found, kind) for kind in ("frontier", "gains")}
    paints |= {f"lever_{k + 1}": partial(draw, found, "lever", position=k) for k in range(len(found.levers.levers))}
    return figure_files({name: partial(figure_of, paint) for name, paint in paints.items()})


def _settings(found: Optimum) -> str:
    return ", ".join(f"{short_path(path)} = {value:.4g}" for path, value in found.best.items())


def _gains(found: Optimum, got: Difference, against: str) -> str:
    """What a paired difference says, no more than its interval allows."""
    currency = found.scenario.currency
    form = form_of_differences([got], currency, currency)
    if got.mean == 0 and got.se == 0:
        return f"gains exactly nothing over {against}"
    if not got.distinguishable:
        return f"gains nothing distinguishable from 0 over {against} (95 % CI {_span(form, got)} {form.unit})"
    word = "gains" if (got.mean or 0.0) > 0 else "loses"
    mean = form.number(abs(got.mean or 0.0))
    return f"{word} {mean} {form.unit} in net value over {against} (95 % CI {_span(form, got)})"


def _span(form: Form, got: Difference) -> str:
    return f"{form.number(got.low, sign=True)} to {form.number(got.high, sign=True)}"


def _curse(found: Optimum, best: Retold) -> str:
    mean, se = best.curse
    form = form_of_estimates([Estimate(mean, se, None, None, None)], found.scenario.currency, found.scenario.currency)
    seen = form_of_differences([best.gain_searched], found.scenario.currency, found.scenario.currency)
    gain = f"{seen.number(best.gain_searched.mean, sign=True)} {seen.unit}"
    if abs(mean) <= 2 * se:
        return f"The search itself saw {gain}; the difference to fresh worlds is within its error."
    size = f"{form.number(mean)} \u00b1 {form.number(se)} {form.unit}"
    return f"The search itself saw {gain}, which flatters it by {size} (winner's curse)."


def _at_ends(found: Optimum) -> list[str]:
    """Levers whose best value is an end of their range."""
    ends = [x.path for x in found.levers.levers if found.best[x.path] in (x.low, x.high)]
    names = ", ".join(short_path(path) for path in ends)
    return [f"At an end of the range searched: {names}; a wider range may hold better."] if ends else []


def _broken(found: Optimum, best: Retold) -> list[str]:
    """Constraints that the best setting breaks on fresh worlds."""
    lines = []
    for limit, excess in zip(found.levers.limits, best.fresh.excess, strict=True):
        if excess > 0 and found.feasible:
            got = best.fresh.shown[limit.metric]
            lines.append(f"On fresh worlds it breaks {limit}: {_metric(limit.metric, found, [got])[1][0]}.")
    return lines


def _programs(found: Optimum) -> list[Row]:
    told, currency = list(found.retold.values()), found.scenario.currency
    rows: list[Row] = []
    for label, gaps in (
        ("Gain in the search", [t.gain_searched for t in told]),
        ("Gain on fresh worlds", [t.gain for t in told]),
    ):
        form = form_of_differences(gaps, currency, currency)
        rows.append((titled(label, form.unit), [form.difference(got) for got in gaps]))
    curses = [Estimate(*t.curse, None, None, None) for t in told]
    form = form_of_estimates(curses, currency, currency)
    rows.append((titled("Less on fresh worlds", form.unit), [form.estimate(got) for got in curses]))
    metrics = dict.fromkeys((*SHOWN, *(limit.metric for limit in found.levers.limits)))
    return rows + [_metric(name, found, [t.fresh.shown.get(name) for t in told]) for name in metrics]


def _metric(name: str, found: Optimum, got: Sequence[Estimate | None]) -> Row:
    known = next((m for m in METRICS if isinstance(m, Metric) and m.name == name), None)
    unit = known.unit if known else "money"
    form = form_of_estimates(got, found.scenario.currency if unit == "money" else unit, found.scenario.currency)
    return titled(known.label if known else name, form.unit), [form.estimate(e) for e in got]


def _levers(found: Optimum, width: int) -> str:
    rows = []
    for _, row in found.flatness().iterrows():
        ends = [(row["low"], row["high"]), (row["se_low"], row["se_high"]), (row["1pct_low"], row["1pct_high"])]
        rows.append((short_path(str(row["lever"])), [f"{row['best']:.4g}", *(f"{a:.4g} to {b:.4g}" for a, b in ends)]))
    return blocks(["best", "searched", "one standard error", "1 % of net value"], rows, width)
