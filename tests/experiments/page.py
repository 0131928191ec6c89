"""Writes `docs/field_evidence.md` and its figures: `python -m tests.experiments.page`, a few minutes."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulator.report.plots import COLOURS, LINES, styled
from tests.experiments.bench import SURE, Evidence
from tests.experiments.field_evidence import EXPERIMENTS

PAGE = Path(__file__).parents[2] / "docs" / "field_evidence.md"
REPLICATIONS = 120
_HEAD = f"""# Field evidence

What field studies report, as experiments in simulated worlds. They are directions, not sizes: the studies are about
employees or other firms. A direction counts as shown where it is {SURE:g} standard errors from 0, at
{REPLICATIONS} replications and a fixed seed. Written by `python -m tests.experiments.page`; the same experiments with
fewer replications run in the tests (`tests/experiments`).
"""


def draw(found: Evidence, ax: Axes) -> None:
    """The experiment's figure: means with bands or bars of two standard errors."""
    for k, (label, (x, mean, se)) in enumerate(found.lines.items()):
        if found.bars:
            width = 0.8 / len(found.lines)
            at = x + (k - (len(found.lines) - 1) / 2) * width
            ax.bar(at, mean, width, yerr=2 * se, color=COLOURS[k + 1], capsize=3, label=label)
        else:
            ax.plot(x, mean, color=COLOURS[k], linestyle=LINES[k], label=label)
            ax.fill_between(x, mean - 2 * se, mean + 2 * se, color=COLOURS[k], alpha=0.2, linewidth=0)
    if found.bars:
        names = found.across.split(", ")
        ax.set_xticks(range(len(names)), names)
        ax.axhline(0.0, color="black", linewidth=0.8)
    else:
        ax.set_xlabel(found.across)
    ax.set_ylabel(found.up)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def section(found: Evidence, name: str) -> str:
    """The experiment in words."""
    return (
        f"\n## {found.title}\n\n"
        f"*Published* ({found.source}): {found.published}.\n\n"
        f"*Simulated* (`{name}`): {found.shown}. {'The direction shows.' if found.holds else 'It does not show.'}\n\n"
        f"![{found.title}](images/evidence_{found.key}.png)\n"
    )


def main() -> None:
    text = _HEAD
    for experiment in EXPERIMENTS:
        found = experiment(REPLICATIONS)
        with styled():
            figure = Figure(figsize=(6.4, 3.6), layout="constrained")
            draw(found, figure.add_subplot())
            figure.savefig(PAGE.parent / "images" / f"evidence_{found.key}.png", dpi=110, metadata={"Software": None})
        text += section(found, experiment.__name__)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
