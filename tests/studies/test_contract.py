"""What every registered study keeps to, in Python and through the command line.

A study is added to `CASES` with arguments that make it quick, and with every option that changes what is computed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from matplotlib.figure import Figure

from simulator.cli.main import main
from simulator.runs.run_directory import verified
from simulator.scenario.load import parse
from simulator.studies.base import StoredStudy, Study
from simulator.studies.registry import declared, registered
from tests.cli.test_studies import TINY
from tests.engines.quick import quick_reference

Options = tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """How a study is run quickly, and what makes it compute something else.

    options: of its command; variants: more options; instead: options in place of the first.
    """

    options: Options
    variants: tuple[Options, ...] = ()
    instead: tuple[Options, ...] = ()
    exit_code: int = 0
    own_page: bool = False


PLAN, OTHER_PLAN = (Path(__file__).parent / name for name in ("plan.toml", "other_plan.toml"))
LEVERS = Path(__file__).parent / "levers.toml"
NOT_OF_THE_STUDY = ("scenario", "out", "json_file", "quiet", "no_plots", "again")
CASES = {
    "sensitivity": Case(
        ("--replications=50",),
        (
            *(("--replications=200", f"--method={method}") for method in ("prim", "switching")),
            ("--method=tornado", "--replications=3"),
            ("--method=sobol", "--replications=2", "--points=16"),
            ("--metric=program_cost",),
            ("--absolute",),
            ("--seed=5",),
            ("--program=more", "--against=none"),
            ("--groups=all=behavior.elasticity",),
        ),
    ),
    "value-of-information": Case(("--replications=50",), (("--replications=60",), ("--seed=5",))),
    "uncertainty": Case(("--vectors=4", "--worlds=3"), (("--vectors=3",), ("--worlds=4",), ("--seed=5",))),
    "compare": Case(
        ("--replications=8",),
        (("--replications=9",), ("--seed=5",), ("--programs=baseline",), ("--gaming-detail",)),
        instead=(("--precision=50%", "--most=300"),),
    ),
    "redteam": Case(
        ("--replications=2",), (("--replications=3",), ("--seed=5",), ("--programs=more",), ("--share=0.5",))
    ),
    "optimize": Case(
        (f"--levers={LEVERS}", "--replications=4", "--evaluations=5"),
        (("--replications=5",), ("--seed=5",), ("--evaluations=6",), ("--fresh-replications=9",)),
    ),
    "select": Case(("--replications=8",), (("--replications=9",), ("--seed=5",), ("--programs=baseline",))),
    "forecast": Case(("--replications=3",), (("--replications=4",), ("--seed=5",), ("--programs=baseline",))),
    "pilot": Case(
        (f"--plan={PLAN}", "--replications=8"),
        (("--replications=9",), ("--seed=5",), (f"--plan={OTHER_PLAN}",)),
        own_page=True,
    ),
    "pilot-design": Case(
        (f"--plan={PLAN}", "--replications=8", "--partners=12", "--outcomes=qualified", "--arms=2", "--shares=0.5"),
        (("--power=0.3",), ("--outcomes=pipeline",), ("--estimators=difference",), ("--assignments=matched_pairs",)),
    ),
    "rollout": Case(
        (f"--plan={PLAN}", "--replications=4"), (("--replications=5",), ("--seed=5",), (f"--plan={OTHER_PLAN}",))
    ),
    "trace": Case(
        ("--program=more", "--replication=1"),
        (("--replication=2",), ("--seed=5",), ("--program=baseline",), ("--level=responsive",), ("--partner=0",)),
    ),
    "winners": Case(("--replications=8",), (("--replications=9",), ("--seed=5",), ("--programs=baseline",))),
}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quick_reference(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.runs.simulate._DESIGN_POINTS", 4)
        yield


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("contract") / "tiny.toml"
    path.write_text(TINY)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="incentive-sim")


def study_of(name: str) -> Study:
    """The study in Python, run with the options of its case."""
    found = registered(name)
    context = main.commands[name].make_context(name, ["scenario.toml", *CASES[name].options])
    given = {k: v for k, v in context.params.items() if k not in NOT_OF_THE_STUDY}
    arguments = given if found.arguments is None else found.arguments(given)
    study = found.run(parse(TINY), **arguments)
    assert isinstance(study, Study)
    return study


def plain(text: str) -> str:
    """Words of a text, however they are wrapped, aligned or marked up."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def texts(study: Study) -> Iterator[str]:
    """Everything that a reader must find: sentences and every cell of every table."""
    yield from study.headline()
    for table in study.tables():
        yield from (cell for row in (table.head, *table.body) for cell in row)


def test_every_registered_study_has_a_case() -> None:
    assert set(CASES) == set(declared())


@pytest.mark.parametrize("name", CASES)
def test_one_declaration_gives_all_forms(name: str, tmp_path: Path) -> None:
    study = study_of(name)
    assert isinstance(study.table(), pd.DataFrame)
    assert study.headline()
    assert study.tables()
    wanted = [plain(text) for text in texts(study)]
    page = study.report(tmp_path / "page.html").read_text()
    complete = [] if CASES[name].own_page else [page]
    for shown in (study.text(), study._repr_html_(), *complete):  # type: ignore[operator]
        assert [text for text in wanted if text not in plain(shown)] == []
    assert "<svg" in page
    assert study.cost_text in study._repr_html_()  # type: ignore[operator]
    found = json.loads(study.to_json())
    assert found["headline"] == study.headline()
    assert found["tables"] == json.loads(json.dumps([table.to_dict() for table in study.tables()]))
    for kind, draw in study.stored_figures().items():
        axes = Figure().subplots()
        draw(axes)
        assert axes.has_data(), kind
    if isinstance(study, StoredStudy):
        assert verified(study.save(tmp_path / "runs"))


@pytest.mark.parametrize("name", CASES)
def test_the_command_gives_what_python_gives(name: str, scenario: Path, tmp_path: Path) -> None:
    study, case = study_of(name), CASES[name]
    stored = isinstance(study, StoredStudy)
    out = tmp_path / ("runs" if stored else "page.html")
    result = run(name, scenario, *case.options, "--out", out, "--json", tmp_path / "figures.json")
    assert result.exit_code == case.exit_code == study.exit_code, result.output
    assert [text for text in map(plain, texts(study)) if text not in plain(result.output)] == []
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures == json.loads(study.to_json())
    if not stored:
        assert out.read_text().startswith("<!DOCTYPE html>")
        return
    (place,) = out.iterdir()
    again = run("show", place, "--json", tmp_path / "again.json")
    assert again.exit_code == 0
    assert [text for text in map(plain, texts(study)) if text not in plain(again.output)] == []
    assert json.loads((tmp_path / "again.json").read_text()) == figures


@pytest.mark.parametrize("name", CASES)
def test_options_change_what_is_computed(name: str, scenario: Path, tmp_path: Path) -> None:
    case = CASES[name]

    def figures(*options: str) -> Any:
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.html"
        result = run(name, scenario, *options, "--out", out, "--json", "-", "--quiet")
        assert result.exit_code == case.exit_code, result.output
        return json.loads(result.stdout)

    first = figures(*case.options)
    for options in (*((*case.options, *variant) for variant in case.variants), *case.instead):
        assert figures(*options) != first, options


@pytest.mark.parametrize("name", CASES)
def test_wrong_settings_are_refused_with_their_rule(name: str, scenario: Path, tmp_path: Path) -> None:
    command = main.commands[name]
    known = {option for parameter in command.get_params(click.Context(command)) for option in parameter.opts}
    for option in {"--seed=-1", "--replications=0", "--programs=nobody"}:
        if option.split("=")[0] not in known:
            continue
        result = run(name, scenario, *CASES[name].options, option, "--out", tmp_path / "runs")
        assert result.exit_code == 2, result.output
        assert result.stderr
        assert "Traceback" not in result.output
        assert not (tmp_path / "runs").exists()
