"""Do the calibration's 95 % intervals hold the truth? Exports of one simulated world after another, fitted.

    python -m benchmarks.recovery --exports 200

Forty partners with lognormal volumes, some 5 to 2,000 deals each, seen for 2.5 years; cycles of 30 weeks, so that about
30 % of the deals are still open. The world leaves out what no export tells from chance (a response, co-selling), and
has all stage weight on the last stage, so that losses, too, are decided at the end of a lognormal cycle. Prints per
number the truth, the mean estimate, the share of intervals that hold the truth, and how often the interval lay below
and above it. Four standard errors of a share of 95 % of 200 are 6.2 %. With `--early` losses come at all stages, as in
any scenario by default: they are decided sooner than wins, and at times that are no lognormal.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from simulator.calibration.clean import read_export
from simulator.calibration.fit import fit_export
from simulator.calibration.partner_effects import PAIRS, fit_partner_effects
from simulator.calibration.profile import load_profile
from simulator.calibration.scenario_file import scenario_text
from simulator.calibration.simulated_export import crm_tables, simulated_exports, write_tables
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario

WORLD = """
name = "known"
[time]
horizon_weeks = 104
burn_in_weeks = 26
[economy]
market_log_sd = 0.0
[markets.market]
size_median = 50_000
size_log_sd = 1.1
size_max = 1_000_000_000
win_probability = 0.35
win_slope = -0.25
stage_weights = [0.0, 0.0, 0.0, 1.0]
cycle_weeks = 30
cycle_log_sd = 0.7
complex_share = 0.0
signature_weeks = 0.0
[territories.all]
vendor_opportunities_per_year = 0
markets = { market = 1.0 }
[partners.partners]
count = 40
territory = "all"
markets = { market = 1.0 }
opportunities_per_year = 90
volume_log_sd = 1.3
size_log_sd_between = 0.5
win_logit_sd_between = 0.6
second_partner_share = 0.0
[behavior]
elasticity = 0.0
cosell_win = 0.0
cosell_speed = 0.0
[programs.baseline.components.share]
kind = "revenue_share"
rate = 0.05
"""
MARKET = ("size_median", "size_log_sd", "win_probability", "win_slope", "cycle_weeks", "cycle_log_sd")
PARTNERS = ("opportunities_per_year", "volume_log_sd", "size_log_sd_between", "win_logit_sd_between")


def known(changes: Mapping[str, Any]) -> Scenario:
    """The world, with other numbers at some paths."""
    return parse(WORLD).with_(changes)


def truths(scenario: Scenario) -> dict[str, float]:
    """The fitted numbers of a scenario by path, and the correlations of partners' effects, which it draws apart."""
    return {
        **{f"markets.market.{name}": getattr(scenario.markets["market"], name) for name in MARKET},
        **{f"partners.partners.{name}": getattr(scenario.partners["partners"], name) for name in PARTNERS},
        **dict.fromkeys(PAIRS, 0.0),
    }


def recovery(scenario: Scenario, seed: int, exports: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row per export and number: truth, estimate, interval; and per export what it looks like."""
    found, seen = [], []
    source, known = load_profile("salesforce"), truths(scenario)
    for export in simulated_exports(scenario, seed=seed, replications=range(exports), gaming=False):
        deals = export.opportunities.groupby("owner").size()
        seen.append({"least": deals.min(), "most": deals.max(),
                     "open": export.opportunities["outcome"].eq("open").mean()})  # fmt: skip
        with TemporaryDirectory() as folder:
            path = write_tables(crm_tables(export, source.profile), Path(folder))[0]
            read = read_export(path, source=source)
        fit = fit_export(read, source.profile, label="simulated")
        estimates = scenario_text(read, source.profile, fit, quality_name="", schema="").estimates
        estimates |= fit_partner_effects(fit.rows, fit, end=read.end).effects.correlations
        for name, truth in known.items():
            interval = estimates[name].interval() or (float("nan"),) * 2
            found.append({"number": name.split(".")[-1], "truth": truth, "estimate": estimates[name].value,
                          "se": estimates[name].se, "low": interval[0], "high": interval[1]})  # fmt: skip
    return pd.DataFrame(found), pd.DataFrame(seen)


def coverage(found: pd.DataFrame) -> pd.DataFrame:
    """Per number how often the interval held the truth, lay below it and above it."""
    marked = found.assign(
        held=(found["low"] <= found["truth"]) & (found["truth"] <= found["high"]),
        below=found["high"] < found["truth"],
        above=found["low"] > found["truth"],
    )
    return marked.groupby("number", sort=False)[["truth", "estimate", "held", "below", "above"]].mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exports", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--early", action="store_true")
    asked = parser.parse_args()
    early = {f"markets.market.stage_weights[{k}]": 0.25 for k in range(4)}
    found, seen = recovery(known(early if asked.early else {}), asked.seed, asked.exports)
    print(f"{asked.exports} exports; per partner {seen['least'].median():.0f} to {seen['most'].median():.0f} deals "
          f"(medians over exports; {seen['least'].min()} to {seen['most'].max()} over all), "
          f"{seen['open'].mean():.1%} open")  # fmt: skip
    print(coverage(found).to_string(float_format="{:.4g}".format))


if __name__ == "__main__":
    main()
