"""A reference population that is fitted in a moment, for tests that do not ask how well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from simulator.reference import fit as reference
from simulator.reference.fit import Reference, ReferenceDesign
from simulator.runs import simulate
from simulator.scenario.schema import Scenario
from simulator.world.setting import Setting


@contextmanager
def quick_reference(*, brief: bool = True) -> Iterator[None]:
    """A reference population so small that a fit takes a moment; engines may not care how well it is fitted.

    brief: live it for three quarters, too short for what builds up slowly. Within the block scenarios that differ in
    their candidates alone share a fit.
    """
    full, fits = reference.reference_setting, list[Reference]()

    def short(setting: Setting, size: int) -> Setting:
        made = full(setting, size)
        time = made.scenario.time.model_copy(update={"burn_in_weeks": 13, "horizon_weeks": 26})
        return replace(made, scenario=made.scenario.model_copy(update={"time": time}))

    def shared(scenario: Scenario, design: ReferenceDesign | None = None) -> Reference:
        for fit in fits:
            if reference._fitted_on(fit.scenario) == reference._fitted_on(scenario):
                return fit.extended(scenario)
        fits.append(Reference(scenario, design))
        return fits[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "PER_STRATUM", 1)
        patch.setattr(reference, "PER_STRATUM_DESIGN", 1)
        patch.setattr(reference, "REPEATS", 2)
        patch.setattr(reference, "_PASSES", 1)
        if brief:
            patch.setattr(reference, "reference_setting", short)
        patch.setattr(simulate, "_DESIGN_POINTS", 1)
        patch.setattr(simulate, "Reference", shared)
        yield
