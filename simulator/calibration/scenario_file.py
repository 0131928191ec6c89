"""The fitted scenario as a TOML text in which every number says in a comment where it comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import annotated_types as at
import numpy as np
from scipy.special import ndtri

from simulator.calibration.clean import Export
from simulator.calibration.fit import Fit
from simulator.calibration.payout_replay import past_rate
from simulator.calibration.profile import Profile
from simulator.calibration.remarks import PROBABILITIES, SLOPES, FittedNumber, figure
from simulator.calibration.segments import FittedSegment
from simulator.core.errors import fault
from simulator.program.base import TableSpec
from simulator.scenario.load import read_text, toml_tree
from simulator.scenario.market import Economy, Market, PartnerSegment
from simulator.scenario.schema import Time


def plan_text(path: Path) -> str:
    """The `[programs...]` tables of a file, comments included. Raises `InputError` where there is no baseline, or the
    programs are not written as tables."""
    text = read_text(path)
    programs = toml_tree(text, str(path)).get("programs", {})
    if "baseline" not in programs:
        raise fault(str(path), "programs.baseline", None, "is missing: the plan that was in force")
    kept: list[str] = []
    above: list[str] = []  # comments that stand over the next table
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.lstrip("[").split("]")[0].strip().split(".")[0] == "programs"
        if not line.strip() or line.startswith("#"):
            above.append(line)
            continue
        kept += [*above, line] if inside else []
        above = []
    found = "\n".join(kept).strip() + "\n"
    if toml_tree(found, str(path)).get("programs") != programs:
        raise fault(str(path), "programs", None, "must be written as tables, [programs.NAME...], each on its own line")
    return found


PARTNER_LIFT = 1.08
"""Relative lift of the win rate by partners, discounted for selection; grade B, as in the schema."""
BURN_IN_CYCLES, LOOK_BACK_WEEKS = 3.25, 52
"""Burn-in: at least three typical cycles plus the trailing year; 3.25 gives the default at 12 weeks."""
DIGITS = 4
VOLUME = ("opportunities_per_year", "volume_log_sd")
_SCORES = ndtri((np.arange(19) + 0.5) / 19)
VOLUME_KNOWN = (
    "Partners' mean volume and its spread are taken as known: with their errors the rarest partner would bring more "
    "than can be simulated."
)
MOST_VENDOR = 12_000.0
"""A territory is refused more than some 500 opportunities in its busiest week; half of that, on average."""
MOST_ELASTIC = 2.0
"""An elasticity beyond this is no response but something else that happened."""

_PROGRAMS = """\
# A placeholder: replace it by the program in force.
[programs.baseline]
label = "Flat {percent} % revenue share (placeholder)"

[programs.baseline.components.share]
kind = "revenue_share"
rate = {rate}

# An example of a candidate, so that a comparison runs at once.
[programs.accelerator]
label = "Example: half as much again above quota"

[programs.accelerator.components.commission]
kind = "accelerator"
rate = 0.05
multiples = [{{ above = 1.0, multiple = 1.5 }}]
"""
RATE = "programs.baseline.components.share.rate"

_ELASTICITY = """\
# No study measures it for partner firms (grade J): the weakest number of all, so it is never taken as known.
[uncertainty."behavior.elasticity"]
distribution = "triangular"
low = 0.0
mode = 0.5
high = 1.2
source = "judgement"
"""


@dataclass(frozen=True)
class ScenarioDraft:
    """A scenario text; estimates: what was fitted, by its path in the scenario; defaults: what was not."""

    text: str
    estimates: dict[str, FittedNumber]
    defaults: dict[str, str]


class _Writer:
    """Lines of the text, and what stands where."""

    def __init__(self, currency: str) -> None:
        self.lines: list[str] = []
        self.estimates: dict[str, FittedNumber] = {}
        self.moved: set[str] = set()
        self.defaults: dict[str, str] = {}
        self._currency, self._table, self._model = currency, "", TableSpec

    def table(self, path: str, model: type[TableSpec]) -> None:
        """Start a table that holds fields of `model`."""
        self._table, self._model = path, model
        self.lines += ["", f"[{path}]"]

    def put(self, key: str, value: str, comment: str = "") -> None:
        """A line as it is."""
        self.lines.append(f"{key} = {value}" + (f" # {_one_line(comment)}" if comment else ""))

    def fitted(self, key: str, estimate: FittedNumber, remark: str = "") -> None:
        """An estimate with its standard error and sample size, moved into the schema's bounds if need be."""
        estimate = replace(estimate, unit=self._currency) if estimate.unit == "money" else estimate
        value, moved = _within(self._model, key, estimate.value)
        self.estimates[f"{self._table}.{key}"] = estimate
        if moved:
            self.moved.add(f"{self._table}.{key}")
        error = "" if estimate.se is None else f"+- {figure(estimate.se)}, "
        parts = [f"{error}n = {estimate.n}", estimate.note, remark, moved]
        self.put(key, _number(value), "; ".join(part for part in parts if part))

    def shares(self, key: str, estimates: Sequence[FittedNumber]) -> None:
        """Shares that sum to 1, in full precision; as such they cannot be uncertain one by one."""
        errors = ", ".join(_number(e.se or 0.0) for e in estimates)
        note = f"+- {errors}, n = {estimates[0].n}; {estimates[0].note}"
        self.put(key, f"[{', '.join(repr(e.value) for e in estimates)}]", note)

    def default(self, key: str, reason: str) -> None:
        """The schema's own default with its grade and the reason for using it."""
        described = self._model.model_fields[key]
        extra = described.json_schema_extra if isinstance(described.json_schema_extra, dict) else {}
        grade = f"default, grade {extra.get('grade', 'J')}: {extra.get('source', 'judgement')}"
        self.defaults[f"{self._table}.{key}"] = f"{grade}; {reason}"
        self.put(key, _number(float(described.default)), f"{grade}; {reason}")

    def judged(self, key: str, value: float, reason: str) -> None:
        """A number set by judgement or derived from an estimate."""
        value, moved = _within(self._model, key, value)
        self.defaults[f"{self._table}.{key}"] = reason
        self.put(key, _number(value), f"{reason}; {moved}" if moved else reason)


def scenario_text(
    export: Export, profile: Profile, fit: Fit, *, quality_name: str, schema: str, plan: str = "",
    volume_known: bool = False,
) -> ScenarioDraft:  # fmt: skip
    """Write the scenario. quality_name: file of the quality report; schema: path of the JSON Schema; plan: programs to
    write, placeholders if none; volume_known: take partners' volumes as known, since with their errors rare ones would
    be larger than can be simulated."""
    writer = _Writer(profile.currency.scenario)
    _head(writer, export, profile, quality_name=quality_name, schema=schema)
    _time(writer, fit)
    for name in fit.mix:
        _market(writer, fit, name)
    for name in dict.fromkeys(group.territory for group in fit.groups.values()):
        _territory(writer, fit, profile, name)
    for name, group in fit.groups.items():
        _partners(writer, fit, name, group)
    _season(writer, fit)
    text = "\n".join(
        [*writer.lines, "", _elasticity(fit), *_uncertain(writer, volume_known), plan or _programs(writer, export, fit)]
    )
    return ScenarioDraft(text, writer.estimates, writer.defaults)


def _programs(writer: _Writer, export: Export, fit: Fit) -> str:
    """The baseline at the rate that past payouts came to, where they were given and can be held against bookings."""
    found = past_rate(export.payouts, fit.rows, dated="cycle_weeks" not in fit.refused)
    if isinstance(found, FittedNumber):
        writer.estimates[RATE] = found
        told = f"{_number(found.value)} # n = {found.n}; {_one_line(found.note)}"
        return _PROGRAMS.format(percent=f"{100 * found.value:.3g}", rate=told)
    if export.payouts is not None:
        writer.defaults[RATE] = f"placeholder; {found}"
    return _PROGRAMS.format(percent="5", rate="0.05")


def _head(writer: _Writer, export: Export, profile: Profile, *, quality_name: str, schema: str) -> None:
    rows = f"{export.total} rows, sha256 {export.sha256[:16]}"
    source = f"{export.label} ({rows}) with the column profile {profile.name}"
    writer.lines += [
        f"#:schema {_one_line(schema)}",
        f"# Fitted by incentive-sim calibrate from {_one_line(source)}.",
        "# Comments: standard error, sample size, method. 'default' marks what the export cannot tell.",
        f"# What was dropped, refused or fits badly: {_one_line(quality_name)}",
        "",
    ]
    writer.put("name", _string(f"{profile.name} (fitted)"))
    writer.put("description", _string(f"Fitted to {source}. Programs are placeholders; behavior is judgement."))
    writer.put("currency", _string(profile.currency.scenario))


def _time(writer: _Writer, fit: Fit) -> None:
    """Long cycles need a longer burn-in than the default; short ones keep the default."""
    default = int(Time.model_fields["burn_in_weeks"].default)
    longest = max((e.value for e in fit.cycle.median.values()), default=0.0) if fit.cycle else 0.0
    needed = math.ceil(BURN_IN_CYCLES * longest) + LOOK_BACK_WEEKS
    if needed > default:
        writer.table("time", Time)
        value, _ = _within(Time, "burn_in_weeks", needed)
        writer.put("burn_in_weeks", str(int(value)), "three typical cycles and the trailing year")


def _market(writer: _Writer, fit: Fit, name: str) -> None:
    writer.table(f"markets.{name}", Market)
    sizes, verdict = fit.sizes, str(fit.sizes.verdict)
    writer.fitted("size_median", sizes.median[name], f"{verdict}; plain median {figure(sizes.raw_median[name])}")
    writer.fitted("size_log_sd", sizes.within[name])
    # A largest size at the median itself would leave nothing to simulate.
    largest = max(sizes.largest[name], 1.01 * sizes.median[name].value)
    writer.fitted("size_max", FittedNumber(largest, None, sizes.median[name].n, "money", "largest amount seen"))
    writer.fitted("win_probability", fit.odds.probability[name], "of a median deal")
    _direct(writer, fit, name)
    if name in fit.odds.slope:
        writer.fitted("win_slope", fit.odds.slope[name])
    else:
        writer.default("win_slope", f"refused because {fit.refused['win_slope']}")
    if name in fit.funnel:
        writer.shares("stage_weights", fit.funnel[name].weights)
        writer.shares("stage_durations", fit.funnel[name].durations)
    _cycle(writer, fit, name)
    writer.default("gross_margin", "not in the export: set your own")


def _direct(writer: _Writer, fit: Fit, name: str) -> None:
    if fit.direct_win is not None:
        writer.fitted("direct_win_probability", fit.direct_win, "association, not the effect of a partner")
        return
    reason = f"refused because {fit.refused['direct_win_probability']}"
    value = fit.odds.probability[name].value / PARTNER_LIFT
    writer.judged("direct_win_probability", value, f"win_probability / {PARTNER_LIFT}, grade B; {reason}")


def _cycle(writer: _Writer, fit: Fit, name: str) -> None:
    if fit.cycle is None:
        reason = f"refused because {fit.refused['cycle_weeks']}"
        writer.default("cycle_weeks", reason)
        writer.default("cycle_log_sd", reason)
        return
    writer.fitted("cycle_weeks", fit.cycle.median[name], str(fit.cycle.verdict))
    writer.fitted("cycle_log_sd", fit.cycle.log_sd[name])
    writer.judged("complex_share", 0.0, "the fitted cycle already holds for complex deals too")
    writer.judged("signature_weeks", 0.0, "the fitted cycle already ends with the close date")


def _territory(writer: _Writer, fit: Fit, profile: Profile, name: str) -> None:
    """The vendor's own stream, which goes over territories and markets as the partners' does."""
    home = {group.territory == name for group in fit.groups.values()}
    of = {own: sum(_volume(group) for group in fit.groups.values() if (group.territory == name) == own) for own in home}
    from_partners, share = of[True], of[True] / sum(of.values())
    writer.table(f"territories.{name}", TableSpec)
    if fit.direct_per_year is not None:
        estimate, note = fit.direct_per_year, ""
        if share < 1:
            note = f"{share:.0%} of all, the share of this territory's partners"
            estimate = replace(estimate, value=share * estimate.value, se=share * (estimate.se or 0.0) or None)
        writer.fitted("vendor_opportunities_per_year", estimate, note)
    else:
        share = profile.judgement.vendor_share
        reason = f"judgement: {share:.0%} of all opportunities; {fit.refused['direct_win_probability']}"
        found = from_partners * share / (1 - share)
        if found > MOST_VENDOR:
            found, reason = MOST_VENDOR, f"{reason}; cut to what one territory can have, from {figure(found)}"
        writer.judged("vendor_opportunities_per_year", found, reason)
    writer.put("markets", _mix(_mixed(fit, name)))


def _volume(group: FittedSegment) -> float:
    return group.partners * group.per_year.value


def _mixed(fit: Fit, territory: str) -> Mapping[str, float]:
    """Markets of a territory's partners together, each partner segment by its volume."""
    if all(group.territory == territory for group in fit.groups.values()):
        return fit.mix
    mine = [group for group in fit.groups.values() if group.territory == territory]
    found: dict[str, float] = {}
    for group in mine:
        for name, share in group.mix.items():
            found[name] = found.get(name, 0.0) + share * _volume(group) / sum(map(_volume, mine))
    return found


def _partners(writer: _Writer, fit: Fit, name: str, group: FittedSegment) -> None:
    writer.table(f"partners.{name}", PartnerSegment)
    writer.put("count", str(group.partners), f"with an opportunity in the last 52 weeks, of {group.seen} ever seen")
    writer.put("territory", _string(group.territory))
    writer.put("markets", _mix(group.mix))
    mean = f"the partners' own rates have mean {figure(fit.volume.mean_of_rates)}" if len(fit.groups) == 1 else ""
    writer.fitted("opportunities_per_year", group.per_year, mean)
    writer.fitted("volume_log_sd", group.log_sd)
    writer.fitted("size_log_sd_between", group.size_between)
    writer.fitted("win_logit_sd_between", group.win_between, fit.odds.verdict() if len(fit.groups) == 1 else "")
    writer.default("own_margin", "not in the export: ask partners")


def _season(writer: _Writer, fit: Fit) -> None:
    if fit.season is not None:
        writer.table("economy", Economy)
        shares = ", ".join(_number(e.value) for e in fit.season.by_quarter)
        writer.put("season", f"[{shares}]", f"by calendar quarter, F test of equal ones p = {fit.season.p_value:.3f}")


def _elasticity(fit: Fit) -> str:
    """The graded prior, or what an event study of a past change found."""
    found = fit.response.elasticity
    if found is None or not found.se or not 0 <= found.value <= MOST_ELASTIC:
        return _ELASTICITY
    return "\n".join([
        f"# {_one_line(found.note)}",
        '[uncertainty."behavior.elasticity"]',
        'distribution = "normal"',
        f"mean = {_number(found.value)}",
        f"sd = {_number(found.se)}",
        f"source = {_string(found.note)}",
        "",
    ])  # fmt: skip


def _uncertain(writer: _Writer, volume_known: bool) -> Iterator[str]:
    """What the export leaves open about each fitted number, so that it goes into every figure of a comparison.

    Lognormal for positive numbers, normal for slopes and probabilities; ends at the schema's bounds. Of volume and its
    spread the middle 95 %, as a sample: their far tails together would make partners of any size.
    """
    if volume_known:
        yield f"# {VOLUME_KNOWN}\n"
    for path, estimate in writer.estimates.items():
        known = volume_known and path.rsplit(".", 1)[1] in VOLUME
        if known or path in writer.moved or not estimate.se or not estimate.value:
            continue
        log_sd = estimate.se / estimate.value
        if path.rsplit(".", 1)[1] in VOLUME:
            sample = ", ".join(_number(float(value)) for value in estimate.value * np.exp(log_sd * _SCORES))
            lines = ['distribution = "empirical"', f"values = [{sample}]"]
        elif estimate.unit in (*PROBABILITIES, *SLOPES):
            lines = ['distribution = "normal"', f"mean = {_number(estimate.value)}", f"sd = {_number(estimate.se)}"]
        else:
            lines = ['distribution = "lognormal"', f"median = {_number(estimate.value)}", f"log_sd = {_number(log_sd)}"]
        source = _string(f"standard error of the fit, n = {estimate.n}")
        yield "\n".join([f'[uncertainty."{path}"]', *lines, f"source = {source}", ""])


def _mix(mix: Mapping[str, float]) -> str:
    """Shares in full precision: rounded ones need not sum to 1."""
    return "{ " + ", ".join(f"{name} = {share!r}" for name, share in mix.items()) + " }"


def _within(model: type[TableSpec], key: str, value: float) -> tuple[float, str]:
    """`value` moved into the schema's bounds, with a remark if it had to be."""
    low, high = -math.inf, math.inf
    for rule in model.model_fields[key].metadata if key in model.model_fields else ():
        low = float(rule.ge) if isinstance(rule, at.Ge) else low  # type: ignore[arg-type]
        high = float(rule.le) if isinstance(rule, at.Le) else high  # type: ignore[arg-type]
    moved = min(max(value, low), high)
    return (
        moved,
        "" if moved == value else f"fitted {figure(value)}, moved to the nearest value that is permitted",
    )


def _number(value: float) -> str:
    """A TOML float of four significant digits."""
    if value == 0:
        return "0.0"
    places = DIGITS - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    text = f"{rounded:.{max(places, 1)}f}"
    return text.rstrip("0") + "0" if text.rstrip("0").endswith(".") else text.rstrip("0")


def _string(text: str) -> str:
    """A TOML basic string; its escapes are those of JSON."""
    return json.dumps(_one_line(text), ensure_ascii=False)


def _one_line(text: str) -> str:
    """Without line breaks and control characters, which would end a comment or a string."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
