"""From a file to a scenario, and one clear message for a file that is no scenario at all."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from simulator.core.errors import InputError
from simulator.scenario.inheritance import resolve
from simulator.scenario.load import examine, load, parse
from simulator.scenario.schema import Scenario
from tests.scenario.texts import SMALL, edited

TREE = parse(SMALL).tree()


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(path)
    return str(caught.value)


def test_a_file_gives_the_scenario_that_it_states(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    scenario = load(path)
    assert scenario == parse(SMALL)
    assert scenario.markets["large"].size_median == 150_000.0
    assert scenario.behavior.elasticity == 0.6
    assert scenario.partners["integrator"].markets == {"mid": 0.4, "large": 0.6}
    assert scenario.uncertainty["behavior.elasticity"].mode == 0.5


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(path) == parse(SMALL)


def test_lines_are_right_in_a_file_with_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(edited("amount = 250.0", "amount = -1.0").replace("\n", "\r\n").encode())
    line = SMALL.splitlines().index("amount = 250.0") + 1
    where = "programs.baseline.components.demos.amount"
    assert refusal(path) == f"{path}:{line}: {where} = -1.0: must be at least 0"


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL, encoding="utf-8")
    path = tmp_path / "smal.toml"
    assert refusal(path) == f"{path}: file: does not exist (did you mean 'small.toml'?)"


def test_a_directory_is_no_scenario(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: file: is a directory (give the path of a .toml file)"


def test_other_encodings_are_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'name = "x"\ndescription = "caf\xe9"\n')
    assert refusal(path) == f"{path}:2: file: is not UTF-8 text (save it as UTF-8)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\n[b\n", "s:2: syntax: not TOML: Expected ']' at the end of a table declaration (column 3)"),
        ('a = 1\nb = "x', 's:2: syntax: not TOML: Unterminated string'),
        ("a = 1\na = 2\n", "s:2: syntax: not TOML: Cannot overwrite a value (column 6)"),
        ("a = " + "[" * 100_000, "s: syntax: tables or lists are nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_no_toml_is_one_problem(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, file="s")
    assert str(caught.value) == message
    assert len(caught.value.problems) == 1


def test_an_empty_text_lacks_every_required_table() -> None:
    with pytest.raises(InputError) as caught:
        parse("", file="s")
    required = ("name", "markets", "territories", "partners", "programs")
    assert {str(p) for p in caught.value.problems} == {f"s: {key}: is required" for key in required}


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _places(node: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [path, *(p for key in keys for p in _places(node[key], (*path, key)))]  # type: ignore[index]


@given(st.sampled_from([p for p in _places(TREE) if p]), JUNK)
@settings(max_examples=300, deadline=None)
def test_no_value_anywhere_breaks_the_examination(path: tuple[str | int, ...], junk: object) -> None:
    """Whatever stands at one place, the answer is a scenario or a list of faults, never another exception."""
    tree = parse(SMALL).tree()
    holder = tree
    for step in path[:-1]:
        holder = holder[step]  # type: ignore[index]
    holder[path[-1]] = junk  # type: ignore[index]
    scenario, findings = examine(tree)
    assert findings or isinstance(scenario, Scenario)


OVERLAYS = st.fixed_dictionaries(
    {},
    optional={"extends": st.sampled_from("abcd") | JUNK, "remove": JUNK, "components": JUNK, "label": JUNK},
)


@given(st.dictionaries(st.sampled_from("abc"), OVERLAYS))
@settings(max_examples=300, deadline=None)
def test_every_program_is_resolved_or_at_fault(raw: dict[str, object]) -> None:
    programs = resolve(raw)
    assert set(programs.tables) | programs.unresolved == set(raw)
    assert not programs.unresolved or programs.findings
    assert not any("extends" in table or "remove" in table for table in programs.tables.values())
