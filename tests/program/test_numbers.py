"""Sums over partners do not depend on what else is computed with them."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from simulator.core.arrays import Array, partner_sum


@given(arrays(float, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.floats(-1e6, 1e6)))
def test_partners_are_summed_one_after_another(x: Array) -> None:
    """To the last bit, in a chunk as alone: by Python's own addition, row by row."""
    expected = [reduce(add, row) for row in x.tolist()]
    assert partner_sum(x).tolist() == expected
    assert [partner_sum(x[r : r + 1])[0] for r in range(len(x))] == expected
    assert partner_sum(np.asfortranarray(x)).tolist() == expected
