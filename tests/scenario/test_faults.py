"""Several faults at once, and faults that one exchange in a text does not make."""

from simulator.scenario.load import parse
from tests.scenario.texts import SMALL, edited, line_after, problems_of


def test_all_faults_are_listed_at_once_in_file_order() -> None:
    """Faults of every sort, several of them in one table and one hidden behind a field at fault."""
    text = edited("horizon_weeks = 26", "horizon_weeks = 5")
    text = edited('count = 6\nterritory = "north"', 'count = 0\nterritory = "nroth"', text)
    text = edited("rate = 0.075", "rate = 7.5", text)
    text = edited('extends = "baseline"', 'extends = "basline"', text)
    text = edited('name = "small"\n', "", text)
    assert problems_of(text) == (
        "s.toml:4: time.horizon_weeks = 5: must be between 13 and 520",
        "s.toml:21: partners.reseller.count = 0: must be between 1 and 20000",
        "s.toml:22: partners.reseller.territory = 'nroth': names no territory: must be 'north' (did you mean 'north'?)",
        "s.toml:58: programs.baseline.components.core.tiers[0].rate = 7.5: must be between 0 and 1 "
        "(did you mean 0.075?)",
        "s.toml:71: programs.growth.extends = 'basline': must be the name of a program (did you mean 'baseline'?)",
        "s.toml: name: is required",
    )


def test_the_baseline_is_required() -> None:
    text = SMALL.replace("baseline", "status").replace('label = "Status quo"', 'label = "x"')
    message = "programs.baseline: is required: the status quo that candidates are compared with"
    line = line_after(text, "[programs.status]")
    assert problems_of(text) == (f"s.toml:{line}: {message}",)


def test_no_programs_at_all_lack_the_baseline() -> None:
    text = SMALL[: SMALL.index("[programs.baseline]")] + "[programs]\n"
    message = "programs.baseline: is required: the status quo that candidates are compared with"
    assert problems_of(text) == (f"s.toml:{line_after(text, '[programs]')}: {message}",)


def test_tiers_are_needed_for_payout_by_tier() -> None:
    start, end = SMALL.index("[programs.baseline.tiers"), SMALL.index("[programs.baseline.components.core]")
    text = SMALL[:start] + SMALL[end:]
    message = "programs.baseline.components.core.payout_by_tier.gold: names no tier, as the program has none"
    where = line_after(text, "payout_by_tier")
    assert problems_of(text) == (f"s.toml:{where}: {message} (add a tiers table)",)


def test_payout_by_the_entry_tier_is_fine() -> None:
    scenario = parse(edited("{ gold = 1.2 }", "{ registered = 0.9, gold = 1.2 }"))
    assert scenario.programs["baseline"].components["core"].payout_by_tier == {"registered": 0.9, "gold": 1.2}


UNCERTAIN_THRESHOLD = """
[uncertainty."programs.baseline.components.core.tiers[1].above"]
distribution = "uniform"
low = {low}
high = 400_000.0
"""


def test_uncertain_thresholds_must_not_overlap_whatever_is_drawn() -> None:
    assert parse(SMALL + UNCERTAIN_THRESHOLD.format(low=100_001.0))
    text = SMALL + UNCERTAIN_THRESHOLD.format(low=99_000.0)
    assert problems_of(text) == (
        f"s.toml:{line_after(text, 'above = 300_000.0')}: programs.baseline.components.core.tiers[1].above = "
        "300000.0: overlapping thresholds: must be above the one before, which is 100000",
    )


def test_an_uncertain_number_of_the_baseline_is_not_one_of_the_overlay() -> None:
    """The overlay has its own path, so only the baseline's threshold may overlap here."""
    text = SMALL + UNCERTAIN_THRESHOLD.format(low=99_000.0)
    assert not any("programs.growth" in problem for problem in problems_of(text))
    own = text.replace("programs.baseline.components.core.tiers[1]", "programs.growth.components.core.tiers[1]")
    (problem,) = problems_of(own)
    assert "programs.growth.components.core.tiers[1].above" in problem
