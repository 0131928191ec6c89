"""How many replications are computed together."""

from __future__ import annotations

from simulator.runs.simulate import CHUNK, chunk_size
from simulator.scenario.load import parse
from simulator.scenario.paths import with_values
from tests.engines.small import BASELINE, HEAD


def test_chunks_are_smaller_where_replications_are_larger_and_even_among_workers() -> None:
    small = parse(HEAD + BASELINE)
    large = with_values(small, {"partners.reseller.count": 5000, "time.horizon_weeks": 156})
    assert chunk_size(small, 10 * CHUNK) == CHUNK
    assert chunk_size(large, 100) == 1
    assert chunk_size(small, 3 * CHUNK, workers=2) == 3 * CHUNK // 4  # two for each, not two for one of them
    assert chunk_size(small, 10, workers=4, chunk=8) == 3
