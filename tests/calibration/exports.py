"""Exports for the tests: where the real ones are, and synthetic ones from the simulator's generative model.

rate_i = mean * exp(s z - s^2 / 2), opportunities Poisson over the whole export;
ln size = ln(median) + N(0, size_between) by partner + N(0, size_within);
logit P(win) = logit(p) + slope * ln(size / median) + N(0, win_between) by partner;
weeks to the decision lognormal, of lost deals `lost_cycle` times as long; what is not decided at the export is open,
and so is a share of deals that nobody ever decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FRIOFRIO = DATA / "friofrio" / "opportunities_to_2017.csv"
MAVEN = DATA / "maven_crm" / "sales_pipeline.csv"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data folder is not there")

PROFILE = """\
name = "synthetic"

[columns]
id = "id"
owner = "partner"
amount = "value"
created = "opened"
closed = "decided"
stage = "stage"

[stages]
won = ["won"]
lost = ["lost"]
open = ["open"]

[dates]
closed_date_valid = true
export_date = 2024-06-30

[currency]
scenario = "EUR"
"""


@dataclass(frozen=True)
class Truth:
    """Parameters of a synthetic export; the names are those of the scenario."""

    partners: int = 60
    years: float = 2.5
    opportunities_per_year: float = 25.0
    volume_log_sd: float = 0.9
    size_median: float = 50_000.0
    size_log_sd: float = 1.1
    size_log_sd_between: float = 0.5
    win_probability: float = 0.35
    win_slope: float = -0.25
    win_logit_sd_between: float = 0.6
    cycle_weeks: float = 10.0
    cycle_log_sd: float = 0.7
    lost_cycle: float = 1.0
    stale_share: float = 0.0


def synthetic(truth: Truth, *, seed: int) -> pd.DataFrame:
    """A CRM export with the columns that `PROFILE` names."""
    rng = np.random.default_rng(seed)
    spread = truth.volume_log_sd
    rate = truth.opportunities_per_year * np.exp(spread * rng.normal(size=truth.partners) - spread**2 / 2)
    count = rng.poisson(rate * truth.years)
    partner = np.repeat(np.arange(truth.partners), count)
    size_effect = truth.size_log_sd_between * rng.normal(size=truth.partners)
    win_effect = truth.win_logit_sd_between * rng.normal(size=truth.partners)
    log_size = size_effect[partner] + truth.size_log_sd * rng.normal(size=len(partner))
    won = rng.random(len(partner)) < expit(
        logit(truth.win_probability) + truth.win_slope * log_size + win_effect[partner]
    )
    age = rng.random(len(partner)) * truth.years * 364
    days = 7 * truth.cycle_weeks * np.exp(truth.cycle_log_sd * rng.normal(size=len(partner)))
    days = np.where(won, days, truth.lost_cycle * days)
    end = pd.Timestamp("2024-06-30")
    opened = end - pd.to_timedelta(np.floor(age), unit="D")
    decided = opened + pd.to_timedelta(np.round(days), unit="D")
    is_open = (decided > end) | (rng.random(len(partner)) < truth.stale_share)
    return pd.DataFrame(
        {
            "id": [f"O{k}" for k in range(len(partner))],
            "partner": [f"P{k:03d}" for k in partner],
            "value": np.round(truth.size_median * np.exp(log_size), 2),
            "opened": opened.strftime("%Y-%m-%d"),
            "decided": np.where(is_open, "", decided.strftime("%Y-%m-%d")),
            "stage": np.where(is_open, "open", np.where(won, "won", "lost")),
        }
    )


def written(rows: pd.DataFrame, folder: Path, *, profile: str = PROFILE) -> tuple[Path, Path, Path]:
    """The export and the profile as files in `folder`, and where the scenario may go."""
    export, columns = folder / "export.csv", folder / "profile.toml"
    rows.to_csv(export, index=False)
    columns.write_text(profile, encoding="utf-8")
    return export, columns, folder / "fitted.toml"
