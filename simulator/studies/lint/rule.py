"""What a lint rule is, and what it sees of a program: typical partners and typical deals.

A rule is a function that looks at the payout rules of one program and yields findings. What it sees:

Typical partners stand at even quantiles of volume in each partner segment. What an opportunity brings to a component
is measured on the reference population, simulated under no program and without any response. A typical partner's
result in a window is then a gamma with the mean and variance of its forecast.

Typical deals of a partner segment lie on a grid of market, complexity, engagement, account and size.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import gammaincc, gammaincinv, ndtri

from simulator.behavior.gaming.false_claims import registration_share
from simulator.behavior.lead_times import active_weeks
from simulator.behavior.perceived_value import PerceivedValue
from simulator.core.arrays import Array, Ints
from simulator.core.streams import Streams
from simulator.program.compiled import CompiledComponent, CompiledProgram
from simulator.program.measures import Event, deal_code
from simulator.program.schedule import Schedule, claim_price, expected_payout
from simulator.reference.fit import STRATA, Reference
from simulator.reference.population import reference_setting
from simulator.scenario.schema import Scenario
from simulator.world import opportunities
from simulator.world.setting import WEEKS_PER_YEAR, Setting, compile_setting
from simulator.world.world import World

WINDOWS = {0: "claim", 13: "quarter", 26: "half year", 52: "year"}


@dataclass(frozen=True)
class LintFinding:
    """One weakness of a program that shows without simulating it.

    rule: name of the rule; program, place: the program and the dotted path in the scenario; segment: the partner or
    market segment concerned, empty for all; low, high: the range concerned, in `unit`, None where there is none;
    stake: money per year that rests on it if every partner used it; text: what is wrong; fix: a way out.
    """

    rule: str
    program: str
    place: str
    segment: str
    low: float | None
    high: float | None
    unit: str
    stake: float
    text: str
    fix: str


@dataclass(frozen=True)
class LintRule:
    """A rule. title: what it finds, in a few words; doc: the same in a sentence; find: its findings in a program."""

    title: str
    doc: str
    find: Callable[[ProgramView], Iterator[LintFinding]]


RULES: dict[str, LintRule] = {}
"""Every rule by name, in the order of their definitions."""


def lint_rule(title: str) -> Callable[[Callable[[ProgramView], Iterator[LintFinding]]], LintRule]:
    """Register a function as a rule under its name; its docstring says what it finds."""

    def register(find: Callable[[ProgramView], Iterator[LintFinding]]) -> LintRule:
        rule = LintRule(title, " ".join((find.__doc__ or "").split()), find)
        RULES[find.__name__] = rule
        return rule

    return register


@dataclass(frozen=True)
class TypicalResult:
    """Results of typical partners in one window: gammas of this mean and standard deviation; arrays (N,)."""

    mean: Array
    sd: Array

    @property
    def _shape(self) -> Array:
        return np.asarray((np.maximum(self.mean, 1e-9) / np.maximum(self.sd, 1e-9)) ** 2)

    @property
    def _scale(self) -> Array:
        return np.maximum(self.sd, 1e-9) ** 2 / np.maximum(self.mean, 1e-9)

    def reaches(self, at: Array) -> Array:
        """Probability that the result is at least `at` (..., N)."""
        return np.where(at <= 0, 1.0, gammaincc(self._shape, np.maximum(at, 0.0) / self._scale))

    def excess(self, at: Array) -> Array:
        """E[max(0, result - at)]."""
        at = np.maximum(at, 0.0)
        z = at / self._scale
        return np.asarray(self.mean * gammaincc(self._shape + 1.0, z) - at * gammaincc(self._shape, z))

    def quantiles(self, count: int) -> Array:
        """Even quantiles of the result, (count, N)."""
        u = (np.arange(count)[:, None] + 0.5) / count
        return np.asarray(gammaincinv(self._shape, u) * self._scale)


@dataclass(frozen=True)
class Typical:
    """Typical partners of a scenario. weight: partners that each stands for, (N,); segment: its segment, (N,)."""

    scenario: Scenario
    setting: Setting
    reference: Reference
    weight: Array
    segment: Ints
    rate: Array

    @cached_property
    def deals(self) -> tuple[TypicalDeals, ...]:
        """The deals of each partner segment."""
        return tuple(typical_deals(self.setting, k) for k in range(len(self.setting.partners.segments)))


@dataclass(frozen=True)
class ComponentPay:
    """One component as typical partners see it.

    result: credit per window, per year where paid by claim; smooth: the schedule with each partner's thresholds;
    reference: unit of those thresholds, (1 or N,); claim: size of a typical claim; price: expected payout per unit of
    credit at the start of a window, (N,); per_year: windows per year in which it is active; revenue: cents signed per
    unit of credit, nan for claims that do not come from deals; eligible: share of each typical partner that may take
    part, (N,). Where a component is not always active the window with most active weeks stands for all.
    """

    component: CompiledComponent
    place: str
    result: TypicalResult
    exact: Schedule
    smooth: Schedule
    reference: Array
    claim: Array
    price: Array
    per_year: float
    revenue: Array
    eligible: Array

    @property
    def window(self) -> str:
        """The window in words."""
        return WINDOWS.get(self.component.window, f"{self.component.window} weeks")

    @property
    def per_threshold_unit(self) -> Array:
        """Credit in cents per unit in which the thresholds are written, (1 or N,)."""
        return np.array([100.0]) if self.component.reference == "money" else self.reference

    @property
    def counts(self) -> bool:
        """Whether anything is expected to count for the component."""
        return bool((self.result.mean * self.eligible > 0).any())

    @property
    def expected(self) -> Array:
        """Expected payout per year in cents, (N,)."""
        if self.component.by_claim:
            return self.result.mean * self.price
        return np.ravel(expected_payout(self.smooth, self.result.mean[None], self.result.sd[None])) * self.per_year


@dataclass(frozen=True)
class ProgramView:
    """A program as its typical partners see it."""

    typical: Typical
    name: str
    program: CompiledProgram
    perception: PerceivedValue
    paid: tuple[ComponentPay, ...]

    @property
    def place(self) -> str:
        """Path of the program."""
        return f"programs.{self.name}"

    def finding(
        self, place: str, stake: float, text: str, fix: str, *, segment: str = "", low: float | None = None,
        high: float | None = None, unit: str = "",
    ) -> LintFinding:  # fmt: skip
        """A finding in this program. stake: in cents; whoever runs the rule adds its name."""
        return LintFinding("", self.name, place, segment, low, high, unit, stake / 100, text, fix)

    def money(self, cents: float) -> str:
        """Cents as text."""
        return f"{cents / 100:,.0f} {self.typical.scenario.currency}"

    def total(self, each: Array, paid: ComponentPay | None = None) -> float:
        """Sum over all partners of a value per typical partner, (N,); over those eligible for a component if given."""
        weight = self.typical.weight if paid is None else self.typical.weight * paid.eligible
        return float((weight * each).sum())

    def mean(self, each: Array, paid: ComponentPay | None = None) -> float:
        """The same as a mean per partner."""
        return self.total(each, paid) / self.total(np.ones_like(each), paid)

    def mean_over(self, share: Array, each: Array) -> float:
        """Mean of a value over the partner-windows of `share`, both (N,)."""
        return self.total(each * share) / max(self.total(share), 1e-300)

    def threshold_unit(self, paid: ComponentPay) -> str:
        """The unit in which the thresholds of a component are written."""
        c = paid.component
        if c.reference != "money":
            return f"of {'quota' if c.reference == 'quota' else 'last year'}"
        return self.typical.scenario.currency if c.measure.by_amount else c.measure.unit


def figure(value: float) -> str:
    """A threshold as text: 1,500,000 or 1.25."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def typical_partners(scenario: Scenario, reference: Reference | None = None) -> Typical:
    """The typical partners of a scenario at its central numbers. reference: where it was fitted already."""
    setting = reference_setting(compile_setting(scenario), STRATA)
    world = World(setting, Streams(0), np.arange(1), prefix="typical ")
    counts = np.array([s.count for s in scenario.partners.values()], dtype=float)
    segment = setting.partners.segment
    fitted = Reference(scenario, effort=False) if reference is None else reference
    return Typical(scenario, setting, fitted, counts[segment] / STRATA, segment, world.rate)


def program_view(typical: Typical, name: str) -> ProgramView:
    """A program of the scenario as its typical partners see it."""
    setting = typical.setting
    world = World(setting, Streams(0), np.arange(1), prefix="typical ")
    offer = typical.reference.offer(name, setting, None)
    expectations = typical.reference.expectations(setting, world, None)
    program = replace(offer.program, components=tuple(_for_all(c) for c in offer.program.components))
    seen = PerceivedValue(setting, program, expectations, offer.forecasts, offer.tier_forecasts, typical.rate)
    real = compile_setting(typical.scenario)
    eligible = [_eligible(c, real)[typical.segment] for c in real.program(name).components]
    revenue = (typical.rate * expectations.revenue)[0]
    paid = tuple(_paid(seen, name, k, revenue, eligible[k]) for k in range(len(program.components)))
    return ProgramView(typical, name, program, seen, paid)


def _for_all(c: CompiledComponent) -> CompiledComponent:
    """The component without terms on who may take part: typical partners have no names."""
    return c if c.eligibility is None else replace(c, eligibility=replace(c.eligibility, partners=None))


def _eligible(c: CompiledComponent, setting: Setting) -> Array:
    """Share of each partner segment that a component counts for."""
    segment = setting.partners.segment
    if c.eligibility is None or c.eligibility.partners is None:
        return np.ones(int(segment.max()) + 1)
    return np.bincount(segment, weights=c.eligibility.partners[0]) / np.bincount(segment)


def _paid(seen: PerceivedValue, program: str, k: int, revenue: Array, eligible: Array) -> ComponentPay:
    c, pace = seen.program.components[k], np.ones((1, 1))
    start, weeks, per_year = _window(c, seen.setting.horizon)
    mean, sd = (np.broadcast_to(a, seen.rate.shape)[0] for a in seen.ahead(k, start, weeks, pace))
    last_year = np.broadcast_to(mean, seen.rate.shape)
    reference = seen.reference(k, last_year, int(start))
    if c.reference == "growth":  # last year's result is as uncertain as this year's
        sd = sd * np.sqrt(2.0)
    exact, smooth, _ = seen.open_window(k, last_year, pace, int(start))
    claim = np.broadcast_to(seen.forecasts[k].claim, seen.rate.shape)
    price = seen.forecasts[k].price if c.by_claim else claim_price(smooth, mean[None], sd[None], claim)
    by_deals = c.measure.event != Event.CERTIFIED
    with np.errstate(divide="ignore", invalid="ignore"):
        exchange = revenue * active_weeks(c, start, weeks) / mean if by_deals else np.full_like(mean, np.nan)
    return ComponentPay(
        component=c,
        place=f"programs.{program}.components.{c.name}",
        result=TypicalResult(mean, sd),
        exact=exact,
        smooth=smooth,
        reference=np.ravel(reference),
        claim=claim[0],
        price=np.broadcast_to(price, seen.rate.shape)[0],
        per_year=per_year,
        revenue=np.where(mean > 0, exchange, np.nan),
        eligible=eligible,
    )


def _window(c: CompiledComponent, horizon: int) -> tuple[float, float, float]:
    """Start and length of the window with most active weeks, and active windows per year."""
    weeks = c.window or WEEKS_PER_YEAR
    starts = np.arange(0, max(horizon, WEEKS_PER_YEAR), weeks)
    active = np.array([active_weeks(c, float(s), float(weeks)) for s in starts])
    best = float(starts[np.argmax(active)])
    return best, float(weeks), float((active > 0).sum()) * WEEKS_PER_YEAR / (len(starts) * weeks)


_SIZES = 24
"""Even quantiles of size per market."""


@dataclass(frozen=True)
class TypicalDeals:
    """Rows of a grid, each standing for `weight` opportunities per opportunity that the partner finds itself.

    market, account: positions; code: what components filter on; amount: whole cents; win: probability of winning;
    reached: (5, n) probability that an event is reached, by event; those after the signature like the signature.
    """

    market: Ints
    account: Ints
    code: Ints
    amount: Array
    weight: Array
    win: Array
    reached: Array

    def until(self, event: int) -> Array:
        """Probability that `event` is reached, (n,)."""
        return np.asarray(self.reached[min(event, int(Event.SIGNED))])


def typical_deals(setting: Setting, segment: int) -> TypicalDeals:
    """The deals of a partner segment, by even quantiles of size in each market, won at usual intensity."""
    who = int(np.flatnonzero(setting.partners.segment == segment)[0])
    kinds, shares = _kinds(setting, who)
    columns: Ints = np.repeat(kinds, _SIZES, axis=0)
    market, complexity, engagement, account, attached = columns.T
    log_cents = _log_sizes(setting, who, market, np.tile((np.arange(_SIZES) + 0.5) / _SIZES, len(kinds)))
    m, rep = setting.markets, np.zeros_like(market)
    odds = m.win_logit[0, market] + opportunities.size_logit(m, rep=rep, market=market, log_cents=log_cents)
    reached = _reached(setting, who, market, odds)
    return TypicalDeals(
        market=market,
        account=account,
        code=deal_code(market, complexity, engagement, account, attached),
        amount=opportunities.amount(m, rep=rep, market=market, log_cents=log_cents),
        weight=np.repeat(shares, _SIZES) / _SIZES,
        win=reached[-1],
        reached=reached,
    )


def _kinds(setting: Setting, who: int) -> tuple[Ints, Array]:
    """Market, complexity, engagement, account and attachment, (n, 5), and how common each is per opportunity found."""
    m, mix, assisted = setting.markets, np.diff(setting.partners.mix[0, who], prepend=0.0), _assisted(setting, who)
    kinds, shares = [], []
    for market in np.flatnonzero(mix > 0):
        new, named, hard = m.new_share[0, market], m.named_share[0, market], m.complex_share[0, market]
        accounts = (new, (1 - new) * (1 - named), (1 - new) * named)
        with_services = m.attach_share[0, market]
        attachments = (0, 1) if with_services else (0,)
        for complexity, engagement, account, attached in itertools.product(range(2), range(2), range(3), attachments):
            share = mix[market] * (hard if complexity else 1 - hard) * (assisted if engagement else 1.0)
            share = share * (with_services if attached else 1 - with_services)
            kinds.append((int(market), complexity, engagement, account, attached))
            shares.append(float(share * accounts[account]))
    return np.array(kinds, dtype=np.int64), np.array(shares)


def _assisted(setting: Setting, who: int) -> float:
    """Registered customers of the vendor per opportunity that a partner finds itself."""
    p, t = setting.partners, setting.territories
    home = p.territory == p.territory[who]
    hazard = setting.behavior("registration_hazard")
    registered = float(registration_share(hazard, np.ones((1, 1)))[0, 0])
    return registered * float(t.rate[0, p.territory[who]] / p.mean_rate[0, home].sum())


def _log_sizes(setting: Setting, who: int, market: Ints, u: Array) -> Array:
    """Log sizes at quantiles u, within and between partners."""
    m = setting.markets
    spread = np.hypot(m.size_log_sd[0, market], setting.partners.size_log_sd[0, who])
    return np.asarray(m.log_median[0, market] + spread * ndtri(u))


def _reached(setting: Setting, who: int, market: Ints, odds: Array) -> Array:
    """Probability of passing the stages up to each of the four funnel events, over the spread between partners."""
    nodes, mass = np.polynomial.hermite_e.hermegauss(9)
    logits = odds[:, None] + setting.partners.win_logit_sd[0, who] * nodes
    win = 1.0 / (1.0 + np.exp(-logits))
    passed = np.cumsum(setting.markets.stage_weights[0, market], axis=-1)
    powers = [win ** passed[:, stage, None] for stage in range(3)] + [win]
    return np.stack([(p * mass).sum(axis=1) / mass.sum() for p in powers])
