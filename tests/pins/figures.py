"""The figures that are pinned: what is run, and how its numbers become a hash.

Only public names and files are used, so that the pins outlive any change of the code behind them. Every shipped
scenario is cut down to a few partners and half a year, and compared on both engines. Every study runs once on the
cut-down quickstart scenario.

A hash is made of all finite numbers of a table, rounded to nine digits and sorted: it does not depend on names, on the
order of columns, or on the last bits of another processor.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from click.testing import CliRunner

import simulator as sim
from simulator.cli.main import main

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHIPPED = (
    SCENARIOS / "quickstart.toml",
    SCENARIOS / "b2b_manufacturer.toml",
    *sorted((SCENARIOS / "library").glob("*.toml")),
)
ENGINES = ("vector", "events")
SEED = 20_261
PLAN = SCENARIOS / "pilots" / "quickstart.toml"
ROLLOUT = PLAN

Pin = dict[str, str]
"""Table -> how many numbers it holds and their hash, as `12 0f3a...`."""


def cut_down(path: Path, *, horizon: int = 26, burn_in: int = 26) -> sim.Scenario:
    """A shipped scenario with at most two partners a segment, as many vendor deals for each, and half a year."""
    scenario = sim.load(path)
    partners = sum(segment.count for segment in scenario.partners.values())
    values: dict[str, float] = {"time.horizon_weeks": horizon, "time.burn_in_weeks": burn_in}
    for name, segment in scenario.partners.items():
        values[f"partners.{name}.count"] = min(segment.count, 2)
        if segment.prospects:
            values[f"partners.{name}.prospects"] = 1
    share = 2 * len(scenario.partners) / partners
    for name, territory in scenario.territories.items():
        path_of_rate = f"territories.{name}.vendor_opportunities_per_year"
        values[path_of_rate] = territory.vendor_opportunities_per_year * share
    return sim.with_values(scenario, values)


def pinned(table: pd.DataFrame) -> str:
    """Count and hash of the finite numbers of a table."""
    numbers = [f"{value:.8e}" for value in _numbers(table) if np.isfinite(value)]
    digest = hashlib.sha256("\n".join(sorted(numbers)).encode()).hexdigest()
    return f"{len(numbers)} {digest[:16]}"


def _numbers(table: pd.DataFrame) -> Iterator[float]:
    for name in table.columns:
        if "seed" not in str(name):
            column = pd.to_numeric(table[name], errors="coerce") if table[name].dtype == object else table[name]
            if pd.api.types.is_numeric_dtype(column):
                yield from column.to_numpy(dtype=float)


def compared(path: Path, engine: str) -> Pin:
    """Totals by replication, and all estimates, of a cut-down scenario on an engine."""
    study = sim.compare(cut_down(path), replications=2, seed=SEED, engine=engine, gaming_detail=path == SHIPPED[0])
    return _stored(study, ("replications", "metrics"))


def _stored(study: Any, names: Iterable[str]) -> Pin:
    with tempfile.TemporaryDirectory() as place:
        run = study.save(place, plots=False)
        return {name: pinned(pd.read_parquet(run / f"{name}.parquet")) for name in names}


@cache
def quickstart() -> sim.Scenario:
    return cut_down(SHIPPED[0])


@cache
def _year() -> sim.Scenario:
    """A year of sixteen partners, for pilots."""
    scenario = cut_down(SHIPPED[0], horizon=52, burn_in=52)
    return sim.with_values(scenario, {f"partners.{name}.count": 8 for name in scenario.partners})


def _table(study: Any) -> Pin:
    return {"table": pinned(study.table())}


def _sensitivity(method: str, **options: Any) -> Pin:
    return _table(sim.sensitivity(quickstart(), method=method, seed=SEED, **options))


def _command(*arguments: object) -> None:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output


def _export(place: Path) -> Path:
    _command("export", SHIPPED[0], "--out", place / "export", "--seed", SEED, "--quiet")
    return place / "export"


def _exported_and_fitted() -> Pin:
    """The files of a simulated export, and every number of the scenario that is fitted to it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        export = _export(place)
        found = {file.name: f"1 {hashlib.sha256(file.read_bytes()).hexdigest()[:16]}" for file in export.glob("*.csv")}
        sides = ("--roster", export / "roster.csv", "--history", export / "history.csv")
        _command("calibrate", export / "opportunities.csv", *sides, "--out", place / "fitted.toml", "--quiet")
        fitted = sim.load(place / "fitted.toml")
        values = [sim.value_at(fitted, number.path) for number in sim.number_paths(fitted)]
        return found | {"fitted": pinned(pd.DataFrame({"value": pd.to_numeric(pd.Series(values), errors="coerce")}))}


def _backtested() -> Pin:
    with tempfile.TemporaryDirectory() as folder:
        opportunities = _export(Path(folder)) / "opportunities.csv"
        study = sim.backtest(opportunities, None, start="2024-07-01", seed=SEED, quarters=1, draws=20)
        return _table(study)


PINS: dict[str, Callable[[], Pin]] = {
    **{f"compare {path.stem} {engine}": partial(compared, path, engine) for path in SHIPPED for engine in ENGINES},
    "select": lambda: _table(sim.select(quickstart(), replications=32, seed=SEED)),
    "sensitivity given": lambda: _sensitivity("given", replications=64),
    "sensitivity tornado": lambda: _sensitivity("tornado", replications=4),
    "sensitivity sobol": lambda: _sensitivity("sobol", replications=2, points=16),
    "sensitivity switching": lambda: _sensitivity("switching", replications=64),
    "sensitivity prim": lambda: _sensitivity("prim", replications=200),
    "value of information": lambda: _table(sim.value_of_information(quickstart(), replications=64, seed=SEED)),
    "uncertainty": lambda: _table(sim.split(quickstart(), vectors=4, worlds=3, seed=SEED)),
    "winners": lambda: _table(sim.winners(quickstart(), replications=8, seed=SEED)),
    "forecast": lambda: _table(sim.forecast(quickstart(), replications=8, seed=SEED)),
    "red team": lambda: _table(sim.redteam(quickstart(), replications=8, seed=SEED)),
    "lint": lambda: _table(sim.lint(quickstart())),
    "trace": lambda: _table(sim.trace(quickstart(), program="accelerator", replication=1, seed=SEED)),
    "optimize": lambda: _table(
        sim.optimize(quickstart(), SCENARIOS / "quickstart_levers.toml", replications=8, evaluations=8, seed=SEED)
    ),
    "pilot": lambda: _table(sim.pilot(_year(), PLAN, replications=20, seed=SEED)),
    "pilot design": lambda: _table(
        sim.redesign(_year(), PLAN, partners=[8], quarters=[2], shares=[0.5], arms=[2], replications=20, seed=SEED)
    ),
    "rollout": lambda: _table(sim.rollout(_year(), ROLLOUT, replications=8, seed=SEED)),
    "program diff": lambda: _table(sim.diff(quickstart(), "baseline", "accelerator")),
    "export and calibrate": _exported_and_fitted,
    "backtest": _backtested,
}
