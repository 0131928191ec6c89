"""The split of variance into luck and ignorance, as text and as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from simulator.report.style import colour, new_axes, styled
from simulator.report.terminal import Row, blocks
from simulator.stats.split import Split

if TYPE_CHECKING:
    from simulator.studies.split import VarianceSplit

_TITLES = {
    "level": "Share of variance by ignorance, of each program (the rest is luck; \u00b1 standard error)",
    "difference": "Share of variance by ignorance, of the difference to the baseline in the same worlds",
}


def describe(study: VarianceSplit, width: int = 110) -> str:
    """Tables of shares by program."""
    parts = [f"{study.simulated.scenario.name}: {study.sample_text}"]
    for of, title in _TITLES.items():
        programs = list(dict.fromkeys(p for kind, p, _ in study.splits if kind == of))
        rows = _rows(study, of, programs)
        if rows:
            parts.append(f"{title}\n{blocks(programs, rows, width)}")
    parts.append("Ignorance can be reduced by learning; luck cannot. Errors are on the large side.")
    return "\n\n".join(parts)


def headline(study: VarianceSplit) -> list[str]:
    """A sentence per program on the first metric of the difference to the baseline."""
    said = []
    first = next(iter(study.labels))
    for (of, program, metric), s in study.splits.items():
        if of != "difference" or metric != first or s.ignorance_share is None or s.ignorance_share_se is None:
            continue
        share = f"{s.ignorance_share:.0%} \u00b1 {s.ignorance_share_se:.0%}"
        said.append(
            f"{program}: {share} of the variance of its {study.labels[metric].lower()} against the baseline is "
            "ignorance, which learning could take away; the rest is luck."
        )
    return said or ["No difference to the baseline varies, so there is nothing to split."]


def draw(study: VarianceSplit, ax: Axes | None, of: str) -> Axes:
    """A bar per program and metric: the share of ignorance with its error."""
    keys = [key for key, s in study.splits.items() if key[0] == of and s.ignorance_share is not None]
    with styled():
        ax = new_axes() if ax is None else ax
        for row, key in enumerate(reversed(keys)):
            s = study.splits[key]
            ax.barh(row, s.ignorance_share or 0.0, xerr=s.ignorance_share_se or 0.0, color=colour(1))
        ax.set_yticks(range(len(keys)), [f"{program}: {study.labels[m]}" for _, program, m in reversed(keys)])
        ax.set_xlim(0.0, 1.0)
        ax.set_xlabel("share of variance by ignorance; the rest is luck")
        ax.set_title(study.sample_text)
    return ax


def _rows(study: VarianceSplit, of: str, programs: Sequence[str]) -> list[Row]:
    return [
        (label, [_cell(study.splits.get((of, program, metric))) for program in programs])
        for metric, label in study.labels.items()
    ]


def _cell(split: Split | None) -> str:
    if split is None or split.ignorance_share is None or split.ignorance_share_se is None:
        return "\u2013"
    return f"{split.ignorance_share:.0%} \u00b1 {split.ignorance_share_se:.0%}"
