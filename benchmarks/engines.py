"""Vector against events on one core: replications per second, as ratios from one run.

    python benchmarks/engines.py [SCENARIO] [--replications N] [--events M] [--program P]

Two questions are timed. "One life": one program on the strategic rung, burn-in included, each replication lived whole.
"The study": every program of the scenario on every rung, as `compare` runs it, where the vector engine draws each world
once and shares the burn-in. Worlds are drawn within the time of both engines. The results of the replications that
both lived are compared first: a benchmark of engines that disagree would mean nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402

import simulator.scenario.load as scenario_files  # noqa: E402
from simulator.engines.events import EventLife  # noqa: E402
from simulator.engines.settle import settle  # noqa: E402
from simulator.engines.tally import tally  # noqa: E402
from simulator.engines.vector import VectorLife  # noqa: E402
from simulator.run import event_outcomes, fit_reference, prepare, vector_outcomes  # noqa: E402
from simulator.scenario.schema import Scenario  # noqa: E402


def timed(job: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of this process, and the result."""
    start = time.process_time()
    result = job()
    return time.process_time() - start, result


def one_life(scenario: Scenario, program: str, replications: int, events: int) -> tuple[float, float]:
    """CPU seconds per replication of one program's strategic rung: (vector, events)."""
    reference = fit_reference(scenario)
    horizon = scenario.time.horizon_weeks

    def vector() -> dict[str, np.ndarray]:
        stage = prepare(scenario, reference, (program,), 7, np.arange(replications))
        life = VectorLife(stage.world, stage.rollout(program), stage.conduct[True])
        return settle(life.run(-scenario.time.burn_in_weeks, horizon).finish()).totals

    def simpy() -> list[dict[str, np.ndarray]]:
        out = []
        for r in range(events):
            stage = prepare(scenario, reference, (program,), 7, np.array([r]))
            out.append(tally(EventLife(stage.world, stage.rollout(program), stage.conduct[True]).run()).totals)
        return out

    fast, together = timed(vector)
    slow, single = timed(simpy)
    for r, totals in enumerate(single):  # type: ignore[arg-type,var-annotated]
        for name, value in totals.items():
            assert int(value[0]) == int(together[name][r]), f"engines disagree on {name} in replication {r}"  # type: ignore[index]
    return fast / replications, slow / events


def study(scenario: Scenario, replications: int, events: int) -> tuple[float, float]:
    """CPU seconds per replication of all programs on all rungs: (vector, events)."""
    reference = fit_reference(scenario)
    programs = tuple(scenario.programs)

    def run(outcomes: Callable[..., object], chunks: list[np.ndarray]) -> None:
        for ids in chunks:
            for _ in outcomes(prepare(scenario, reference, programs, 7, ids), programs):  # type: ignore[attr-defined]
                pass

    fast, _ = timed(lambda: run(vector_outcomes, [np.arange(replications)]))
    slow, _ = timed(lambda: run(event_outcomes, [np.array([r]) for r in range(events)]))
    return fast / replications, slow / events


def main() -> None:
    """Time both and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("scenario", nargs="?", default="scenarios/b2b_manufacturer.toml")
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--events", type=int, default=4)
    parser.add_argument("--program", default="accelerator")
    chosen = parser.parse_args()
    scenario = scenario_files.load(chosen.scenario)
    print(
        f"{scenario.name}: {sum(s.count for s in scenario.partners.values())} partners, "
        f"{scenario.time.burn_in_weeks} + {scenario.time.horizon_weeks} weeks, {len(scenario.programs)} programs"
    )
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}, CPU time of one process")
    print(f"{'':<12}{'vector ms':>12}{'events ms':>12}{'ratio':>8}   per replication")
    rows = {
        "one life": one_life(scenario, chosen.program, chosen.replications, chosen.events),
        "the study": study(scenario, chosen.replications, max(1, chosen.events // 4)),
    }
    for name, (fast, slow) in rows.items():
        print(f"{name:<12}{1000 * fast:>12.2f}{1000 * slow:>12.1f}{slow / fast:>8.0f}")


if __name__ == "__main__":
    main()
