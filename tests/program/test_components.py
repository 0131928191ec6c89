"""Every component kind and every stacking rule, worked by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.program.compiled import apply_ceiling, resolve_groups
from simulator.program.measures import CODES_PER_MARKET, attached_of, complexity_of, deal_code, engagement_of
from tests.program.build import compiled, money, only

TIERS = (
    'kind = "revenue_share"\nrate = 0.05\n'
    "tiers = [{ above = 100_000.0, rate = 0.08 }, { above = 200_000.0, rate = 0.1 }]\n"
)
CURVE = (
    'kind = "accelerator"\nrate = 0.05\nquota = 1.2\nstart_multiple = 0.5\n'
    "multiples = [{ above = 0.5, multiple = 1.0 }, { above = 1.0, multiple = 2.0 }]\n"
)
POINTS = (
    'kind = "growth"\npoints = [{ growth = 0.15, points = 0.01 }, { growth = 0.3, points = 0.03 }, '
    "{ growth = 0.45, points = 0.05 }]\n"
)


@pytest.mark.parametrize(("closed", "pay"), [(100_000, 5_000), (150_000, 9_000), (250_000, 18_000)])
def test_marginal_revenue_tiers(closed: float, pay: float) -> None:
    """250,000: 100,000 at 5 % + 100,000 at 8 % + 50,000 at 10 % = 5,000 + 8,000 + 5,000."""
    assert money(only(TIERS), closed) == pytest.approx(pay)


@pytest.mark.parametrize(
    ("closed", "pay"), [(99_999, 4_999.95), (100_000, 8_000), (150_000, 12_000), (200_000, 20_000)]
)
def test_retroactive_revenue_tiers(closed: float, pay: float) -> None:
    """The rate of the tier reached holds for everything."""
    assert money(only(TIERS + 'tiering = "retroactive"\n'), closed) == pytest.approx(pay)


@pytest.mark.parametrize(("closed", "pay"), [(60_000, 1_500), (90_000, 3_000), (150_000, 7_500)])
def test_accelerator_in_quotas(closed: float, pay: float) -> None:
    """Expected 100,000, so the quota is 120,000. 2.5 % to 60,000, 5 % to 120,000, 10 % beyond: 1,500 + 3,000 twice."""
    assert money(only(CURVE), closed, reference=100_000) == pytest.approx(pay)


@pytest.mark.parametrize(("closed", "pay"), [(80_000, 4_000), (100_000, 5_000), (150_000, 6_250)])
def test_decelerator_above_quota(closed: float, pay: float) -> None:
    """5 % to the quota of 100,000 and half of it beyond: 5,000 + 50,000 at 2.5 %."""
    text = 'kind = "accelerator"\nrate = 0.05\nmultiples = [{ above = 1.0, multiple = 0.5 }]'
    assert money(only(text), closed, reference=100_000) == pytest.approx(pay)


@pytest.mark.parametrize(("closed", "pay"), [(59_999, 1_499.975), (60_000, 3_000), (150_000, 15_000)])
def test_retroactive_accelerator(closed: float, pay: float) -> None:
    assert money(only(CURVE + 'tiering = "retroactive"\n'), closed, reference=100_000) == pytest.approx(pay)


@pytest.mark.parametrize(
    ("closed", "pay"), [(91_999, 0), (92_000, 920), (104_000, 3_120), (116_000, 5_800), (160_000, 8_000)]
)
def test_growth_points_on_all_revenue(closed: float, pay: float) -> None:
    """Last year 80,000: +15, +30, +45 % are 92,000, 104,000 and 116,000; 1, 3 and 5 points of everything."""
    assert money(only(POINTS), closed, reference=80_000) == pytest.approx(pay)


def test_marginal_growth_points() -> None:
    """160,000: 12,000 at 1 % + 12,000 at 3 % + 44,000 at 5 % = 120 + 360 + 2,200."""
    assert money(only(POINTS + 'tiering = "marginal"\n'), 160_000, reference=80_000) == pytest.approx(2_680)


@pytest.mark.parametrize(("deals", "pay"), [(2, 0), (3, 1_000), (4, 1_000), (5, 3_500), (9, 3_500)])
def test_lumps_add_up(deals: int, pay: float) -> None:
    text = 'kind = "bonus"\nmeasure = "deals"\nlumps = [{ at = 3.0, amount = 1_000.0 }, { at = 5.0, amount = 2_500.0 }]'
    assert money(only(text), deals) == pay


@pytest.mark.parametrize(("demos", "pay"), [(0, 0), (3, 750), (6, 1_500), (10, 1_500)])
def test_activity_credit_up_to_its_limit(demos: int, pay: float) -> None:
    assert money(only('kind = "activity_credit"\nmeasure = "demo"\namount = 250.0\nlimit = 6.0'), demos) == pay


@pytest.mark.parametrize(("closed", "pay"), [(11_999, 0), (12_000, 600), (100_000, 5_000), (150_000, 7_000)])
def test_floor_and_cap(closed: float, pay: float) -> None:
    """5 %: the floor of 600 is met at 12,000; at 150,000, 5,000 + 4,000 is cut to the cap of 7,000."""
    assert money(only(TIERS + "terms = { floor = 600.0, cap = 7_000.0 }\n"), closed) == pytest.approx(pay)


def credits(text: str, code: list[int], amount: list[float]) -> list[float]:
    return (
        only(text)
        .credit(rep=np.zeros(len(code), dtype=np.int64), code=np.array(code), amount=np.array(amount))
        .tolist()
    )


def code(market: int, complexity: int, engagement: int, account: int, attached: int = 0) -> int:
    one = (np.array([x]) for x in (market, complexity, engagement, account, attached))
    return int(deal_code(*one)[0])


def test_deal_registration_pays_its_uplift_on_deals_that_are_large_enough() -> None:
    """5 % of 20,000.00 is 1,000.00; a cent less does not count."""
    c = only('kind = "deal_registration"\nuplift = 0.05\nmin_amount = 20_000.0')
    rep = np.zeros(2, dtype=np.int64)
    credit = c.credit(rep=rep, code=rep, amount=np.array([1_999_999.0, 2_000_000.0]))
    assert c.claim_payout(rep=rep, credit=credit).tolist() == [0, 100_000]


def test_what_a_code_is_made_of_can_be_read_off_it() -> None:
    every = np.array(list(itertools.product(range(3), range(2), range(2), range(3), range(2))))
    codes = deal_code(*every.T)
    assert len(set(codes.tolist())) == len(every) == 3 * CODES_PER_MARKET
    assert (complexity_of(codes) == every[:, 1]).all()
    assert (engagement_of(codes) == every[:, 2]).all()
    assert (attached_of(codes) == every[:, 4]).all()


def test_weights_multiply() -> None:
    """Large market 2, complex 1.5, assisted .5: all three together 2 * 1.5 * .5 = 1.5; attached 1.2 of that, 1.8."""
    text = (
        'kind = "revenue_share"\nrate = 0.05\ncredit_by_market = { large = 2.0 }\n'
        "credit_by_complexity = { complex = 1.5 }\ncredit_by_engagement = { assisted = 0.5 }\n"
        "credit_by_attach = { attached = 1.2 }\n"
    )
    codes = [code(0, 0, 0, 0), code(1, 0, 0, 0), code(0, 1, 0, 1), code(0, 0, 1, 2), code(1, 1, 1, 0)]
    codes.append(code(1, 1, 1, 0, 1))
    assert credits(text, codes, [1000.0] * 6) == [1000, 2000, 1500, 500, 1500, 1800]
    counted = text.replace("revenue_share", "activity_credit").replace("rate = 0.05", 'measure = "pilot"\namount = 1.0')
    assert credits(counted, codes, [1000.0] * 6) == [100, 200, 150, 50, 150, 180]
    assert credits(counted, [-1], [0.0]) == [100]  # a claim without a deal counts one


@pytest.mark.parametrize(
    ("filter_", "counts"),
    [
        ('accounts = "new"', [1, 0, 0, 1]), ('accounts = "existing"', [0, 1, 1, 0]),
        ('accounts = "named"', [0, 0, 1, 0]),
        ('engagement = "sourced"', [1, 1, 1, 0]), ('engagement = "assisted"', [0, 0, 0, 1]),
        ('markets = ["large"]', [0, 1, 0, 0]), ("min_amount = 5.01", [0, 0, 0, 0]), ("min_amount = 5.0", [1, 1, 1, 1]),
    ],
)  # fmt: skip
def test_filters(filter_: str, counts: list[int]) -> None:
    """Deals of 5.00: mid sourced new, large sourced existing, mid sourced named (existing too), mid assisted new."""
    codes = [code(0, 0, 0, 0), code(1, 0, 0, 1), code(0, 0, 0, 2), code(0, 0, 1, 0)]
    assert credits(f'kind = "revenue_share"\nrate = 0.05\n{filter_}\n', codes, [500.0] * 4) == [500 * c for c in counts]


STACK = (
    "deal_ceiling = 0.06\n"
    '[programs.p.components.a]\nkind = "deal_registration"\nuplift = 0.05\nexclusive_group = "g"\n'
    '[programs.p.components.b]\nkind = "deal_registration"\nuplift = 0.03\nexclusive_group = "g"\n'
    '[programs.p.components.c]\nkind = "revenue_share"\nwindow = "claim"\nrate = 0.04\n'
)


def test_in_a_group_the_highest_applies_and_the_first_of_equals() -> None:
    pays = [np.array([500.0, 300.0, 10.0]), np.array([300.0, 500.0, 10.0]), np.array([400.0, 400.0, 400.0])]
    kept = resolve_groups(compiled(STACK), pays, by_claim=True)
    assert [k.tolist() for k in kept] == [[500, 0, 10], [0, 500, 0], [400, 400, 400]]
    untouched = resolve_groups(compiled(STACK), pays, by_claim=False)
    assert [k.tolist() for k in untouched] == [p.tolist() for p in pays]


def test_the_ceiling_prorates_to_whole_cents() -> None:
    """6 % of 1,000.00 is 6,000 cents; 5,000 + 3,000 + 4,000 = 12,000 are halved, 5,001 + 0 + 4,000 cut by 6,000/9,001:
    3,333.6 and 2,666.4, rounded down. 6,000 is not over it. A claim without a deal has no ceiling."""
    pays = [np.array([5000.0, 5001, 6000, 70]), np.array([3000.0, 0, 0, 0]), np.array([4000.0, 4000, 0, 0])]
    amount = np.array([100_000.0, 100_000, 100_000, 0])
    cut = apply_ceiling(compiled(STACK), pays, rep=np.zeros(4, dtype=np.int64), amount=amount)
    assert [c.tolist() for c in cut] == [[2500, 3333, 6000, 70], [1500, 0, 0, 0], [2000, 2666, 0, 0]]


PROGRAM = compiled(STACK)


@given(pays=st.lists(st.integers(0, 10**8), min_size=3, max_size=3), amount=st.integers(1, 10**10))
def test_a_deal_is_never_paid_above_its_ceiling(pays: list[int], amount: int) -> None:
    cut = apply_ceiling(
        PROGRAM, [np.array([float(p)]) for p in pays], rep=np.zeros(1, dtype=np.int64), amount=np.array([float(amount)])
    )
    total = sum(float(c[0]) for c in cut)
    assert 100 * total <= 6 * amount + 1e-6
    assert all(float(c[0]) == int(c[0]) <= p for c, p in zip(cut, pays, strict=True))
    if 100 * sum(pays) > 6 * amount:
        assert total >= 6 * amount // 100 - 4  # at most a cent per component and one of the ceiling is lost
    else:
        assert total == sum(pays)


def test_payout_by_tier() -> None:
    """Multiples by tier in the order of the tiers, 1 where absent."""
    c = compiled(
        '[programs.p.tiers.levels.silver]\ncriteria = [{ measure = "revenue", at_least = 1.0 }]\n'
        '[programs.p.tiers.levels.gold]\ncriteria = [{ measure = "revenue", at_least = 2.0 }]\n'
        '[programs.p.components.c]\nkind = "revenue_share"\nrate = 0.05\npayout_by_tier = { gold = 1.2 }\n'
    ).components[0]
    assert c.tier_multiple.tolist() == [[1.0, 1.0, 1.2]]
