"""A component kind from outside works everywhere: schema, checks, both engines, cost by component, figures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

USE = """
import json
from simulator.report.payout_curve import payout_curve
from simulator.scenario.json_schema import schema_json
from simulator.scenario.load import parse
from simulator.core.errors import InputError
from simulator.studies.verify import verify
from tests.engines.simulated import STILL, rows, simulated, share
from tests.engines.quick import quick_reference

TEXT = share("baseline") + '[programs.p.components.m]\\nkind = "milestones"\\neach = 30_000.0\\namount = 700.0\\n'
with quick_reference():
    result = verify(parse(STILL.replace("[programs.baseline]\\n", "") + TEXT), replications=1)
assert result.agrees, str(result)
outcome = simulated(TEXT, head=STILL.replace("[programs.baseline]\\n", ""))["p"]
# 700.00 for every full 30,000.00, ten times at most.
for attained, accrued in rows(outcome, "attained", "accrued"):
    assert accrued == 70_000 * min(attained // 3_000_000, 10), (attained, accrued)
assert outcome.totals["cost.m"].sum() > 0
assert "Milestones" in json.loads(schema_json())["$defs"]
try:
    parse(STILL + TEXT.replace("each = 30_000.0", "each = -1.0").split("\\n", 4)[-1])
except InputError as error:
    print(error)
payout_curve(parse(STILL.replace("[programs.baseline]\\n", "") + TEXT), "p")
print("done")
"""

LATE = """
from simulator.scenario.load import parse
import tests.plugin_component
from tests.engines.simulated import STILL
parse(STILL)
"""


def run(code: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "INCENTIVE_SIM_COMPONENTS"} | more
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_component_from_outside_works_everywhere() -> None:
    done = run(USE, INCENTIVE_SIM_COMPONENTS="tests.plugin_component")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("done\n")
    assert "components.m.each = -1.0: must be above 0" in done.stdout


def test_a_kind_that_comes_too_late_is_named() -> None:
    done = run(LATE)
    assert "SimulatorError: component kinds milestones came after the schema was built" in done.stderr


def test_a_module_that_is_not_there_is_named() -> None:
    done = run("import simulator.scenario.schema", INCENTIVE_SIM_COMPONENTS="no_such_module")
    assert "INCENTIVE_SIM_COMPONENTS: the component module no_such_module cannot be imported" in done.stderr
