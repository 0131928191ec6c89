"""`calibrate`: a CRM export and a column profile in, a runnable scenario and a report on the data out.

The report of a calibration: what the export holds, what was estimated and fits, and what could not be identified.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure
from scipy.special import expit

from simulator.calibration.clean import Export, read_export
from simulator.calibration.crm_detection import source_of
from simulator.calibration.figures import Draw, FitFigures, drawings, fit_figures
from simulator.calibration.fit import Fit, fit_export
from simulator.calibration.partner_effects import PartnerEffects, fit_partner_effects, log_odds
from simulator.calibration.payout_replay import PayoutCheck, compare_payouts, payout_rows
from simulator.calibration.profile import Profile
from simulator.calibration.quality_report import cautions, diagnostics, quality_text, verdicts
from simulator.calibration.remarks import FittedNumber, Remark, figure
from simulator.calibration.sales_cycle import MILESTONES, fit_funnel
from simulator.calibration.scenario_file import VOLUME_KNOWN, plan_text, scenario_text
from simulator.calibration.side_files import NO_COMPANIONS, CompanionFiles
from simulator.core.errors import InputError, Problem
from simulator.report.html import HtmlTable, facts, inline, render_page
from simulator.scenario.load import parse
from simulator.scenario.schema import Scenario
from simulator.studies.base import Study, timed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


SCHEMA = "./scenario.schema.json"


@dataclass(frozen=True)
class Calibration(Study):
    """The result of a calibration.

    estimates: by path in the scenario; diagnostics: further estimates by name; refused: what was not
    estimated, and why; verdicts: how well things fit; remarks: counts of rows; quality: the report as
    Markdown; defaults: what stands in for numbers that the export cannot tell; export: the checked rows; shown: the
    numbers behind the figures; paid: past payouts against the baseline's, where they were given.
    """

    scenario: Scenario
    scenario_path: Path
    quality_path: Path
    estimates: Mapping[str, FittedNumber]
    diagnostics: Mapping[str, FittedNumber]
    refused: Mapping[str, str]
    verdicts: Mapping[str, str]
    cautions: tuple[str, ...]
    remarks: tuple[Remark, ...]
    quality: str
    defaults: Mapping[str, str] = field(repr=False)
    export: Export = field(repr=False)
    profile: Profile = field(repr=False)
    shown: FitFigures = field(repr=False)
    report_path: Path | None = None
    paid: PayoutCheck | None = None

    @property
    def title(self) -> str:
        """What was fitted."""
        return f"{self.scenario.name}: fitted to an export"

    @property
    def sample_text(self) -> str:
        """What the estimates rest on."""
        return f"at most {max((e.n for e in self.estimates.values()), default=0):,} rows per estimate"

    def table(self) -> pd.DataFrame:
        """A row per estimated number of the scenario: value, standard error, rows it rests on, unit, note."""
        return pd.DataFrame([{"path": path, **asdict(e)} for path, e in self.estimates.items()])

    def headline(self) -> list[str]:
        """How well things fit, what was refused, and what to be careful about."""
        refused = [f"{name} was not estimated: {reason}" for name, reason in self.refused.items()]
        return [*(f"{name}: {text}" for name, text in self.verdicts.items()), *refused, *self.cautions]

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Standard error of each estimate, as a share of it."""
        from simulator.report.plots import colour, new_axes, rows_for, sample_note, styled

        known = {path: 100 * e.se / abs(e.value) for path, e in self.estimates.items() if e.se and e.value}
        with styled():
            ax = new_axes() if ax is None else ax
            ax.barh(rows_for(ax, list(known)), list(known.values()), height=0.6, color=colour(1))
            ax.set_xlabel("Standard error [% of the estimate]")
            ax.set_title("How well each number is known")
            sample_note(ax, self.sample_text)
        return ax

    def _page(self) -> str:
        # MOVED

        return html(self)

    def to_dict(self) -> dict[str, Any]:
        """All estimates, verdicts and remarks as plain dicts."""
        return {
            "scenario": self.scenario.name,
            "study": "calibration",
            "estimates": {path: asdict(e) for path, e in self.estimates.items()},
            "diagnostics": {name: asdict(e) for name, e in self.diagnostics.items()},
            "refused": dict(self.refused),
            "verdicts": dict(self.verdicts),
            "cautions": list(self.cautions),
            "remarks": [asdict(r) for r in self.remarks],
            "payouts": None if self.paid is None else self.paid.to_dict(),
            "scenario_path": str(self.scenario_path),
            "quality_path": str(self.quality_path),
        }

    def summary(self) -> str:
        """A screenful: estimates, verdicts and refusals."""
        width = max(len(path) for path in self.estimates)
        lines = [f"{path:<{width}}  {estimate}" for path, estimate in self.estimates.items()]
        lines += ["", *(f"{name}: {text}" for name, text in self.verdicts.items())]
        lines += [f"refused {name}: {reason}" for name, reason in self.refused.items() if name != "cycle_weeks"]
        lines += [f"caution: {text}" for text in self.cautions]
        dropped = sum(remark.count for remark in self.remarks if remark.kind == "dropped")
        return "\n".join(
            [
                *lines,
                "",
                f"{dropped} rows dropped",
                f"scenario: {self.scenario_path}",
                f"report: {self.quality_path if self.report_path is None else self.report_path}",
            ]
        )


@timed
def calibrate(
    export: Path,
    profile: Path | str | None,
    out: Path,
    *,
    companions: CompanionFiles = NO_COMPANIONS,
    quality_path: Path | None = None,
    report_path: Path | None = None,
    overwrite: bool = False,
    schema: str = SCHEMA,
) -> Calibration:
    """Fit a scenario to a CRM export and write it to `out`, with a data-quality report beside it.

    profile: path of a column profile or the name of a shipped one; None: that of the CRM whose columns the export has;
    companions: roster, payouts, stage history, rates and plan that go with it; quality_path: where the report on the
    data goes, by default `out` with the ending `.quality.md`; report_path: page with the figures, none by default;
    overwrite: replace existing files; schema: what the scenario's first line names. Raises `InputError` when the export
    or the profile cannot be used or a file is in the way; nothing is written then.
    """
    report = quality_path if quality_path is not None else out.with_suffix(".quality.md")
    source = source_of(export, profile, companions.rates)
    _require_free(out, report, report_path, inputs=(export, source.path, *companions.paths), overwrite=overwrite)
    rows = read_export(export, source=source, companions=companions)
    fit = fit_export(rows, source.profile, label=str(export))
    partners = fit_partner_effects(fit.rows, fit, end=rows.end)
    fit = _with_funnel(fit, partners, end=rows.end)
    plan = "" if companions.plan is None else plan_text(companions.plan)
    draft = scenario_text(rows, source.profile, fit, quality_name=report.name, schema=schema, plan=plan)
    volume_caution: tuple[str, ...] = ()
    try:
        scenario = parse(draft.text, file=str(out))
    except InputError:
        draft = scenario_text(
            rows, source.profile, fit, quality_name=report.name, schema=schema, plan=plan, volume_known=True
        )
        scenario, volume_caution = parse(draft.text, file=str(out)), (VOLUME_KNOWN,)
    paid = compare_payouts(rows, fit, partners, scenario)
    said = {} if paid is None else {"payouts": str(paid)}
    paid = None if isinstance(paid, str) else paid
    quality = quality_text(rows, source.profile, fit, draft, partners, paid, said)
    _write(report, quality)
    _write(out, draft.text)
    found = Calibration(
        scenario=scenario,
        scenario_path=out,
        quality_path=report,
        estimates=MappingProxyType(draft.estimates),
        diagnostics=MappingProxyType(diagnostics(fit, partners)),
        refused=MappingProxyType(dict(fit.refused)),
        verdicts=MappingProxyType(verdicts(fit, partners) | dict(said)),
        cautions=(*cautions(fit, partners), *volume_caution),
        remarks=(*rows.remarks, *fit.remarks),
        quality=quality,
        defaults=MappingProxyType(draft.defaults),
        export=rows,
        profile=source.profile,
        shown=fit_figures(rows, fit),
        report_path=report_path,
        paid=paid,
    )
    if report_path is not None:
        found.report(report_path)
    return found


def _with_funnel(fit: Fit, partners: PartnerEffects, *, end: pd.Timestamp) -> Fit:
    """The fit with the funnel that a stage history tells: each market's own, else that of all, else a reason."""
    if MILESTONES[0] not in fit.rows:
        return fit
    effect = dict(zip(partners.owners, partners.mean[:, 2], strict=True))
    p = expit(log_odds(fit.rows, fit) + fit.rows["owner"].astype("str").map(effect).to_numpy(dtype=float))
    every = fit_funnel(fit.rows, p, end=end)
    if isinstance(every, str):
        return replace(fit, refused={**fit.refused, "stages": every})
    found = {}
    for name in fit.mix:
        mine = fit.rows["market"].eq(name).to_numpy()
        own = fit_funnel(fit.rows[mine], p[mine], end=end)
        found[name] = every if isinstance(own, str) else own
    return replace(fit, funnel=found)


def _require_free(out: Path, report: Path, page: Path | None, *, inputs: tuple[Path, ...], overwrite: bool) -> None:
    """Refuse to write over inputs, over files (unless told to), to a missing folder, or both into one."""
    problems = []
    taken = {path.resolve() for path in inputs}
    places = {"out": out, "quality_path": report, **({} if page is None else {"report_path": page})}
    for use, path in places.items():
        if path.resolve() in taken:
            problems.append(Problem(str(path), use, "", "is an input of the calibration", "choose another name"))
        elif path.exists() and not (overwrite and path.is_file()):
            problems.append(Problem(str(path), use, "", "already exists", "choose another name or overwrite it"))
        elif not path.parent.is_dir():
            problems.append(Problem(str(path), use, "", f"the folder {path.parent} does not exist"))
    if out.resolve() == report.resolve():
        problems.append(Problem(str(report), "quality_path", "", "is the scenario file itself", "choose another name"))
    if problems:
        raise InputError(problems)


def _write(path: Path, text: str) -> None:
    """Write a whole file or none: a crash leaves the old file or the new one, never half of it."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


_FIGURE = (4.9, 3.7)
_NONE = "\u2013"
_DISTRIBUTION = ("low", "mode", "high", "mean", "sd", "median", "log_sd", "a", "b")


def html(found: Calibration) -> str:
    """The report as one HTML page."""
    return render_page("calibration.html", **content(found), figures=list(_figures(found)))


def content(found: Calibration) -> dict[str, Any]:
    """Texts and tables of the report."""
    dropped = sum(r.count for r in found.remarks if r.kind == "dropped")
    export, currency = found.export, found.scenario.currency
    return {
        "title": found.title,
        "sample": f"{export.total:,} rows read, {dropped:,} dropped, {len(export.rows):,} used; last day "
        f"{export.end:%Y-%m-%d}; money in {currency}; intervals are 95 %",
        "said": _said(found),
        "rates": _rates(found.profile),
        "rows": HtmlTable(
            "Rows by what became of them",
            ("what", "reason", "rows", "detail"),
            [(r.kind, r.reason, f"{r.count:,}", r.detail) for r in found.remarks],
        ),
        "verdicts": [f"{name.capitalize()}: {text}." for name, text in found.verdicts.items()],
        "estimates": _estimates("Numbers of the scenario", found.estimates),
        "diagnostics": _estimates("Further numbers, not in the scenario", found.diagnostics),
        "paid": _paid(found.paid),
        "unknown": HtmlTable(
            "Not identified",
            ("number", "why, and what stands in for it"),
            [*found.refused.items(), *found.defaults.items()],
        ),
        "rest": "how partners respond, what they may game, and all that the scenario file does not list.",
        "uncertain": _uncertain(found),
        "cautions": found.cautions,
        "provenance": facts({
            "export": export.label, "sha256": export.sha256, "profile": found.profile.name,
            "scenario": found.scenario_path.name,
        }),
    }  # fmt: skip


def _rates(profile: Profile) -> str:
    """How foreign amounts were converted; empty where none were."""
    if not profile.currency.rates:
        return ""
    rates = ", ".join(
        f"1 {name} = {rate:g} {profile.currency.scenario}" for name, rate in profile.currency.rates.items()
    )
    return f"Conversion: {rates}. Source: {profile.currency.rates_source}."


def _said(found: Calibration) -> list[str]:
    """In short: what the export told, and whether partners differ."""
    first = (
        f"{len(found.estimates)} numbers of the scenario come from the export; what it could not tell is listed below, "
        "with what stands in for it."
    )
    return [first, *(f"{name.capitalize()}: {found.verdicts[name]}." for name in ("partners", "cycles"))]


def _estimates(caption: str, estimates: Mapping[str, FittedNumber]) -> HtmlTable:
    head = ("number", "estimate", "interval", "n", "unit", "how")
    return HtmlTable(caption, head, [_row(name, e) for name, e in estimates.items()])


def _row(name: str, estimate: FittedNumber) -> tuple[str, ...]:
    limits = estimate.interval()
    interval = _NONE if limits is None else f"{figure(limits[0])} to {figure(limits[1])}"
    return (name, figure(estimate.value), interval, f"{estimate.n:,}", estimate.unit, estimate.note)


def _paid(paid: PayoutCheck | None) -> list[HtmlTable]:
    """Past payouts beside those of the baseline's rules."""
    if paid is None:
        return []
    captions = {"period": "Payouts by period", "partner": "Payouts by partner, largest differences first"}
    return [
        HtmlTable(caption, (name, "paid", "replayed", "ratio"), payout_rows(paid.tables[name]))
        for name, caption in captions.items()
    ]


def _uncertain(found: Calibration) -> HtmlTable:
    rows = []
    for path, u in found.scenario.uncertainty.items():
        given = [f"{name} {figure(getattr(u, name))}" for name in _DISTRIBUTION if getattr(u, name) is not None]
        sample = [f"{len(u.values)} values"] if u.values else []
        rows.append((path, u.distribution, ", ".join([*given, *sample]), u.source))
    return HtmlTable("Uncertain numbers of the scenario", ("number", "distribution", "parameters", "source"), rows)


def _figures(found: Calibration) -> Iterator[dict[str, Any]]:
    for name, (caption, draw) in drawings(found.shown, found.scenario.currency).items():
        yield {"svg": inline(partial(_drawn, draw), name, name.capitalize(), caption), "caption": caption}


def _drawn(draw: Draw) -> Figure:
    made = Figure(figsize=_FIGURE)
    draw(made.subplots())
    return made
