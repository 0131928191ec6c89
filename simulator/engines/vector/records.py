"""The columns of the vector engine's flat tables of deals and claims."""

from __future__ import annotations

import numpy as np

OPP = {
    "deal": np.int32, "cell": np.int32, "start": float, "amount": float, "code": np.int16, "attached": bool,
    "worked": bool, "false": bool, "vendor": bool, "since": float, "stage": np.int8, "due": float, "qualified": float,
    "decided": float, "lost": bool, "filed": bool, "conceded": float, "discount": float, "ends": float,
    "other": np.int32,
}  # fmt: skip
CLAIM = {
    "event": np.int8, "cell": np.int32, "opp": np.int32, "week": np.int32, "time": float, "start": float,
    "amount": float, "code": np.int16, "false": bool, "audit": float, "moved": np.int8,
    "conceded": float,
    "deal": np.int32, "role": np.int8, "disputed": np.int8,
}  # fmt: skip
SPLIT, BUNDLED = 2, 3
"""Values of a claim's `moved` besides -1 for pulled and 1 for pushed: filed in pieces, or as one with another."""
SIGNING = 4
DONE = 5
NEVER = np.inf
