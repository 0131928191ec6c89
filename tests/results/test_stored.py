"""Stored runs: read back without simulating, recognised, refused where damaged, and compared with each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from simulator.cli.main import main
from simulator.core.errors import InputError, SimulatorError
from simulator.runs.run_directory import MANIFEST
from simulator.scenario.load import parse
from simulator.metrics.measure import measure
from simulator.runs.stored_runs import StoredRun, code_hash, find, identity, same, stored
from simulator.studies.compare import Comparison, compare, identity_of
from simulator.studies.precision import run_to
from simulator.studies.settings import RunSettings
from simulator.studies.stored import comparison_of, diff
from tests import made_up
from tests.engines.small import BASELINE, HEAD
from tests.stats.test_precision import part
from tests.test_vectors import UNCERTAIN


def study(**options: Any) -> Comparison:
    made = made_up.simulated(**options)
    settings = RunSettings.of(made.scenario, programs=made.programs, replications=40, seed=made.seed)
    known = identity_of(made.scenario, settings)
    return Comparison(made, measure(made), identity=known)


def saved(home: Path, **options: Any) -> StoredRun:
    return find(study(**options).save(home, plots=False))


def edit(run: StoredRun, **values: object) -> None:
    manifest = {**json.loads((run.place / MANIFEST).read_text()), **values}
    (run.place / MANIFEST).write_text(json.dumps(manifest))


def test_a_stored_run_gives_the_same_figures(tmp_path: Path) -> None:
    run = saved(tmp_path)
    back = comparison_of(run)
    assert back.to_json() == study().to_json()
    assert find(run.name, tmp_path).place == run.place
    assert [got.name for _, got in stored(tmp_path) if isinstance(got, StoredRun)] == [run.name]


def test_a_run_to_a_precision_is_stored_with_what_it_took(tmp_path: Path) -> None:
    made, sampling, effort = run_to(0.2, 256, part)
    before = Comparison(made, measure(made, sampling), effort, "known")
    back = comparison_of(find(before.save(tmp_path, plots=False)))
    assert back.effort == effort
    assert back.to_json() == before.to_json()
    assert back.identity == before.identity


def test_identity_changes_with_whatever_decides_the_figures() -> None:
    scenario, other = made_up.scenario(), made_up.scenario(budget=False)
    size, sobol = {"replications": 40}, {"kind": "Sobol", "scrambles": 1}
    asked: dict[str, Any] = {"programs": ("a", "b"), "seed": 1, "engine": "vector", "size": size, "design": sobol}
    changed = [{"seed": 2}, {"programs": ("b", "a")}, {"engine": "events"}, {"size": {"replications": 41}},
               {"size": {"precision": 0.01, "most": 40}}, {"design": {"kind": "Sobol", "scrambles": 2}}]  # fmt: skip
    found = [identity(scenario, **asked), identity(other, **asked)]
    found += [identity(scenario, **{**asked, **change}) for change in changed]
    assert len(set(found)) == len(found)
    assert identity(scenario, **{**asked, "design": None}) is None
    assert identity(scenario, **asked, gaming_detail=True) not in found


def test_another_order_of_uncertain_numbers_is_another_identity() -> None:
    # Their places are their dimensions of the Sobol' sequence, so figures differ.
    halves = UNCERTAIN.split('[uncertainty."gaming')
    turned = '[uncertainty."gaming' + halves[1] + halves[0]
    head = HEAD.replace("opportunist_share = 0.6\n", "")
    one, other = (parse(head + text + BASELINE) for text in (UNCERTAIN, turned))
    assert one == other
    assert identity_of(one, RunSettings.of(one)) != identity_of(other, RunSettings.of(other))


def test_other_code_is_another_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    before = study().identity
    monkeypatch.setattr("simulator.runs.stored_runs.code_hash", lambda: code_hash()[::-1])
    assert study().identity != before


def test_a_damaged_run_is_refused_and_not_recognised(tmp_path: Path) -> None:
    run = saved(tmp_path)
    assert same(study().identity, tmp_path) is not None
    with (run.place / "comparison.json").open("a") as file:
        file.write(" ")
    with pytest.raises(SimulatorError, match="files differ from their checksums"):
        find(run.place)
    assert same(study().identity, tmp_path) is None
    (run.place / MANIFEST).write_text("{")
    with pytest.raises(SimulatorError, match="its manifest is damaged"):
        find(run.place)
    assert [type(got) for _, got in stored(tmp_path)] == [SimulatorError]


def test_older_layouts_are_read_and_newer_ones_refused(tmp_path: Path) -> None:
    run = saved(tmp_path)
    manifest = json.loads((run.place / MANIFEST).read_text())
    for name in ("identity", "design", "code_sha256", "precision"):
        del manifest[name]
    (run.place / MANIFEST).write_text(json.dumps({**manifest, "schema_version": 1}))
    assert comparison_of(find(run.place)).to_json() == study().to_json()
    edit(run, schema_version=99)
    with pytest.raises(SimulatorError, match="has layout 99, and this version reads 1 to 2"):
        find(run.place)


def test_a_scenario_of_another_schema_is_refused_in_words(tmp_path: Path) -> None:
    run = saved(tmp_path)
    tree = {**run.json("scenario.json"), "weather": "fair"}
    (run.place / "scenario.json").write_text(json.dumps(tree))
    with pytest.raises(SimulatorError, match="its scenario is of another version of the schema"):
        run.scenario()


def test_what_is_no_run_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no run directory"):
        find("nothing", tmp_path)
    assert list(stored(tmp_path / "nowhere")) == []


def test_diff_says_what_changed_and_what_moved(tmp_path: Path) -> None:
    one, other, seeded = saved(tmp_path), saved(tmp_path, same=True), saved(tmp_path, budget=False, seed=2)
    nothing = diff(one, one)
    assert (nothing.scenario, nothing.settings, nothing.moved, nothing.paired) == ((), (), (), True)
    # In the second run growth has the outcomes of the baseline, so what it cost more is gone.
    moved = {m.metric: m.gap for m in diff(one, other).moved if m.program == "growth"}
    before, after = (c.each("growth", "program_cost") for c in (study(), study(same=True)))
    assert moved["program_cost"].mean == pytest.approx(float(np.mean(after - before)))
    assert not [m for m in diff(one, other).moved if m.program == "baseline"]
    changed = diff(one, seeded)
    assert ("seed", 1, 2) in [(c.path, c.one, c.other) for c in changed.settings]
    assert [c.path for c in changed.scenario] == ["budget.per_year"]
    assert not changed.paired


def test_commands_list_show_and_compare_runs(tmp_path: Path) -> None:
    one, other = saved(tmp_path), saved(tmp_path, same=True)
    call = CliRunner().invoke
    listed = call(main, ["runs", "--out", str(tmp_path)]).output
    assert listed.count("\n") == 2
    assert "small: baseline, growth; 40 replications, seed 1" in listed
    shown = call(main, ["show", one.name, "--out", str(tmp_path)])
    assert shown.exit_code == 0
    assert "Program cost by component" in shown.output
    told = call(main, ["diff", str(one.place), str(other.place)])
    assert told.exit_code == 0
    assert "Figures that moved beyond their error" in told.output
    assert "growth, program_cost: -" in told.output
    assert call(main, ["show", "nothing", "--out", str(tmp_path)]).exit_code == 2


def test_the_same_inputs_are_not_computed_again_unless_asked(tmp_path: Path, quick: None) -> None:
    scenario, out = tmp_path / "s.toml", tmp_path / "out"
    scenario.write_text(HEAD + BASELINE)
    given = ["compare", str(scenario), "--replications", "2", "--no-plots", "--out", str(out)]
    runs = [CliRunner().invoke(main, [*given, *more]) for more in ([], ["--json", "-"], ["--again"])]
    assert [run.exit_code for run in runs] == [0, 0, 0]
    assert ["was run before" in run.stderr for run in runs] == [False, True, False]
    assert len(list(out.iterdir())) == 2
    fresh = compare(parse(HEAD + BASELINE), replications=2)
    assert json.loads(runs[1].stdout) == fresh.to_dict()
