"""Partner segments of a roster: known ones come back from a simulated export, small ones are pooled, replays pay them.

Two segments of a plain generator with other volume, spread, size and odds; a third of three partners.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.calibration import Calibration, calibrate
from simulator.calibration.backtest import backtest
from simulator.calibration.payout_replay import ProgramPayer
from simulator.calibration.side_files import CompanionFiles
from simulator.core.errors import InputError
from simulator.scenario.load import load, parse
from tests.calibration.exports import Truth, synthetic, written
from tests.calibration.test_replay import TEXT, deals

BIG = Truth(
    partners=16, years=2.5, opportunities_per_year=40.0, volume_log_sd=0.6, size_median=200_000.0, win_probability=0.5,
    win_logit_sd_between=0.3,
)  # fmt: skip
SMALL = Truth(
    partners=30, years=2.5, opportunities_per_year=18.0, volume_log_sd=1.0, size_median=20_000.0, win_probability=0.25,
    win_logit_sd_between=0.8,
)  # fmt: skip
FEW = replace(SMALL, partners=3)
TRUTHS = {"Distributors": BIG, "Small resellers": SMALL, "Startups": FEW}


def export() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Opportunities of the three segments, and the roster."""
    parts = [synthetic(truth, seed=k) for k, truth in enumerate(TRUTHS.values())]
    parts = [part.assign(partner=f"S{k}" + part["partner"], id=f"{k}" + part["id"]) for k, part in enumerate(parts)]
    roster = pd.concat([
        pd.DataFrame({"Partner": part["partner"].unique(), "Segment": name})
        for part, name in zip(parts, TRUTHS, strict=True)
    ])  # fmt: skip
    return pd.concat(parts, ignore_index=True), roster


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("groups")
    rows, roster = export()
    written(rows, place)
    roster.to_csv(place / "roster.csv", index=False)
    return place


@pytest.fixture(scope="module")
def fit(folder: Path) -> Calibration:
    files = CompanionFiles(roster=folder / "roster.csv")
    return calibrate(folder / "export.csv", folder / "profile.toml", folder / "fitted.toml", companions=files)


def test_segments_come_back(fit: Calibration) -> None:
    """Numbers of the two large segments against their own standard errors, at one seed."""
    assert list(fit.scenario.partners) == ["distributors", "small_resellers", "startups"]
    for name, truth in (("distributors", BIG), ("small_resellers", SMALL)):
        segment = fit.scenario.partners[name]
        assert truth.partners - 1 <= segment.count <= truth.partners
        (market,) = segment.markets if name == "distributors" else [max(segment.markets)]
        for path in (
            *(f"partners.{name}.{key}" for key in ("opportunities_per_year", "volume_log_sd", "win_logit_sd_between")),
            *(f"markets.{market}.{key}" for key in ("size_median", "win_probability")),
        ):
            found = fit.estimates[path]
            assert found.se is not None
            assert abs(found.value - getattr(truth, path.rsplit(".", 1)[1])) < 4 * found.se, path


def test_a_segment_of_few_is_pooled(fit: Calibration) -> None:
    """Three partners have a mean of their own and share spreads, sizes and odds with the next smallest segment."""
    few = fit.scenario.partners["startups"]
    assert few.count == 3
    assert list(few.markets) == list(fit.scenario.partners["small_resellers"].markets)
    spread = fit.estimates["partners.startups.volume_log_sd"]
    assert "common to segments of few partners" in spread.note
    assert fit.estimates["partners.startups.opportunities_per_year"].n == 3
    others = [fit.scenario.partners[name].win_logit_sd_between for name in ("distributors", "small_resellers")]
    assert min(others) < few.win_logit_sd_between < max(others)


def test_a_backtest_pays_partners_by_their_segments(folder: Path, fit: Calibration) -> None:
    """The baseline's flat share is paid on all; a bonus for one segment's partners on theirs alone."""
    text = (folder / "fitted.toml").read_text(encoding="utf-8")
    text += '\n[programs.big.components.only]\nkind = "revenue_share"\nrate = 0.1\n'
    text += 'only_partners = ["distributors"]\n'
    (folder / "two.toml").write_text(text, encoding="utf-8")
    files = CompanionFiles(roster=folder / "roster.csv")
    study = backtest(
        folder / "export.csv", folder / "profile.toml", start="2023-07-01", quarters=2, draws=20, seed=1,
        companions=files, scenario=load(folder / "two.toml"), programs=("big",),
    )  # fmt: skip
    rows, roster = export()
    won = rows[(rows["stage"] == "won") & (rows["decided"] >= "2023-07-01") & (rows["decided"] < "2024-01-01")]
    mine = roster.loc[roster["Segment"] == "Distributors", "Partner"]
    paid = study.payouts().set_index(["program", "component"])["payout"]
    assert paid["big", "only"] == pytest.approx(0.1 * won.loc[won["partner"].isin(mine), "value"].sum(), rel=1e-6)
    assert paid["baseline", "share"] == pytest.approx(0.05 * won["value"].sum(), rel=1e-6)
    year = study.table().query("period == 'all' and quantity == 'created'").iloc[0]
    assert year["low"] < year["observed"] < year["high"]


def test_without_a_roster_several_segments_are_refused(folder: Path, fit: Calibration) -> None:
    with pytest.raises(InputError, match=r"the export's partners belong to partners \(give a roster with their seg"):
        backtest(
            folder / "export.csv", folder / "profile.toml", start="2023-07-01", quarters=1, draws=20, seed=1,
            scenario=fit.scenario,
        )  # fmt: skip


def test_partners_are_paid_in_their_own_segment() -> None:
    """Partner 1 is of the first segment, 0 and 2 of the second, which alone has the bonus at 100,000."""
    other = """[partners.b]
count = 1
territory = "all"
markets = { market = 1.0 }
opportunities_per_year = 30
[programs.baseline"""
    two = TEXT.replace("[programs.baseline", other, 1)
    two = two.replace("amount = 5_000 }]", 'amount = 5_000 }]\nonly_partners = ["b"]')
    history = deals((0, 0, 2, 150_000, True), (1, 0, 3, 120_000, True), (2, 0, 4, 50_000, True))
    paid = ProgramPayer(parse(two)).pay(
        history, ("baseline", "steps"), per_year=np.full(3, 5.0), quarters=1, draws=1, segment=np.array([1, 0, 1])
    )
    assert paid["steps"].partners.ravel().tolist() == [5_000, 0, 0]
    assert paid["baseline"].partners.ravel().tolist() == [7_500, 6_000, 2_500]


def test_territories_and_tiers(folder: Path) -> None:
    """A segment in two territories becomes two; where no segments are told, tiers are taken."""
    _, roster = export()
    home = np.where(roster["Segment"] == "Distributors", "EMEA", np.where(np.arange(len(roster)) % 2, "EMEA", "Asia"))
    tiered = roster.rename(columns={"Segment": "Tier"}).assign(Territory=home)
    tiered["Start Date"] = np.where(np.arange(len(roster)) == 0, "2023-01-01", "2020-01-01")
    tiered.to_csv(folder / "tiers.csv", index=False)
    found = calibrate(
        folder / "export.csv",
        folder / "profile.toml",
        folder / "tiers.toml",
        companions=CompanionFiles(roster=folder / "tiers.csv"),
    )
    homes = {name: segment.territory for name, segment in found.scenario.partners.items()}
    assert homes == {
        "distributors": "emea", "small_resellers_asia": "asia", "small_resellers_emea": "emea",
        "startups_asia": "asia", "startups_emea": "emea",
    }  # fmt: skip
    rows, _ = export()
    first = rows[rows["partner"] == tiered["Partner"].iloc[0]]
    early = {r.reason: r.count for r in found.remarks}["opportunity from before its partner's start in the program"]
    assert early == (first["opened"] < "2023-01-01").sum() > 0
