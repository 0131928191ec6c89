"""Leading indicators by hand, from made-up totals."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.metrics.base import MetricInputs
from simulator.metrics.registry import metrics_of
from tests.made_up import totals


def test_velocity_and_depth_by_hand() -> None:
    """900,000 of joint pipeline, 2 of 8 won, 10 weeks each: 900,000 * .25 / 10 = 22,500 per week; none won is 0.

    Depth: (30 + 50) weeks of work over (40 + 40) weeks of open deals is 1.
    """
    own = totals(
        2, joint__pipeline=[90_000_000, 90_000_000], won_by_partners=[2, 0], lost_by_partners=[6, 5],
        cycle=[20_000_000, 0],
    )  # fmt: skip
    own |= {
        "joint.pipeline": np.array([90_000_000, 90_000_000]),
        "joint.depth": np.array([30_000_000, 50_000_000]),
        "joint.weeks": np.array([40_000_000, 40_000_000]),
    }
    runs = MetricInputs(own, own, own, own, None, False, own)
    found = {m.name: m.of(runs) for m in metrics_of(own)}
    assert found["joint_velocity"].each.tolist() == pytest.approx([22_500.0, 0.0])
    assert found["joint_pipeline"].value == 900_000.0
    assert found["engagement_depth"].value == pytest.approx(1.0)
