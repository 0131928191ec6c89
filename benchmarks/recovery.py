"""Do the calibration's 95 % intervals hold the truth? Synthetic exports of known parameters, fitted one by one.

    python -m benchmarks.recovery --exports 200

Forty partners with lognormal volumes, some 5 to 2,000 deals each; losses take 0.6 of the time of wins; about 30 % of
the deals are still open. Prints per number the truth, the mean estimate, the share of intervals that hold the truth,
and how often the interval lay below and above it. Of 200 intervals that hold 95 % the share lies in 92 to 98 % nineteen
times in twenty.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from simulator.calibrate.findings import Estimate
from simulator.calibrate.fit import fit_export
from simulator.calibrate.profile import load_profile
from simulator.calibrate.reading import read_export
from simulator.calibrate.scenario_text import scenario_text
from tests.calibrate.exports import Truth, synthetic, written

TRUTH = Truth(partners=40, years=2.0, opportunities_per_year=110.0, volume_log_sd=1.3, cycle_weeks=34.0, lost_cycle=0.6)
MARKET = ("size_median", "size_log_sd", "win_probability", "win_slope", "cycle_weeks", "cycle_log_sd")
PARTNERS = ("opportunities_per_year", "volume_log_sd", "size_log_sd_between", "win_logit_sd_between")
PATHS = {name: f"markets.market.{name}" for name in MARKET} | {name: f"partners.partners.{name}" for name in PARTNERS}


def estimates(rows: pd.DataFrame, folder: Path) -> dict[str, Estimate]:
    """What is fitted to an export, by path in the scenario."""
    export, profile, _ = written(rows, folder)
    source = load_profile(profile)
    read = read_export(export, source=source)
    fit = fit_export(read, source.profile, label=str(export))
    return scenario_text(read, source.profile, fit, quality_name="", schema="").estimates


def recovery(truth: Truth, seeds: range) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row per seed and number: truth, estimate, interval; and per seed what the export looks like."""
    found, seen = [], []
    with TemporaryDirectory() as folder:
        for seed in seeds:
            rows = synthetic(truth, seed=seed)
            deals = rows["partner"].value_counts()
            seen.append({"least": deals.min(), "most": deals.max(), "open": (rows["stage"] == "open").mean()})
            fitted = estimates(rows, Path(folder))
            for name, path in PATHS.items():
                estimate, interval = fitted[path], fitted[path].interval()
                low, high = interval or (float("nan"),) * 2
                found.append({"number": name, "truth": getattr(truth, name), "estimate": estimate.value,
                              "se": estimate.se, "low": low, "high": high})  # fmt: skip
    return pd.DataFrame(found), pd.DataFrame(seen)


def coverage(found: pd.DataFrame) -> pd.DataFrame:
    """Per number how often the interval held the truth, lay below it and above it."""
    marked = found.assign(
        covered=(found["low"] <= found["truth"]) & (found["truth"] <= found["high"]),
        below=found["high"] < found["truth"],
        above=found["low"] > found["truth"],
    )
    return marked.groupby("number", sort=False)[["truth", "estimate", "covered", "below", "above"]].mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exports", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    asked = parser.parse_args()
    found, seen = recovery(TRUTH, range(asked.seed, asked.seed + asked.exports))
    print(f"{asked.exports} exports; per partner {seen['least'].median():.0f} to {seen['most'].median():.0f} deals "
          f"(medians over exports; {seen['least'].min()} to {seen['most'].max()} over all), "
          f"{seen['open'].mean():.1%} open")  # fmt: skip
    print(coverage(found).to_string(float_format="{:.4g}".format))


if __name__ == "__main__":
    main()
