"""What a deal is, in one integer: market, complexity, engagement, account kind and attachment."""

from __future__ import annotations

import numpy as np

from simulator.core.arrays import Bools, Ints

ENGAGEMENTS = ("sourced", "assisted")


ACCOUNTS = ("new", "existing", "named")


COMPLEXITIES = ("standard", "complex")


ATTACHMENTS = ("plain", "attached")


CODES_PER_MARKET = len(COMPLEXITIES) * len(ENGAGEMENTS) * len(ACCOUNTS) * len(ATTACHMENTS)


def deal_code(market: Ints, complexity: Ints, engagement: Ints, account: Ints, attached: Ints) -> Ints:
    """The code of a deal's market, complexity, engagement, account and attachment, each as its position in its list."""
    return (((market * 2 + complexity) * 2 + engagement) * 3 + account) * 2 + attached


def engagement_of(code: Ints) -> Ints:
    """The position in `ENGAGEMENTS` of deals by their code."""
    return code // (len(ACCOUNTS) * len(ATTACHMENTS)) % len(ENGAGEMENTS)


def complexity_of(code: Ints) -> Ints:
    """The position in `COMPLEXITIES` of deals by their code."""
    return code // (len(ENGAGEMENTS) * len(ACCOUNTS) * len(ATTACHMENTS)) % len(COMPLEXITIES)


def attached_of(code: Ints) -> Bools:
    """Whether deals are attached, by their code."""
    return np.asarray((code >= 0) & (code % len(ATTACHMENTS) == 1))
