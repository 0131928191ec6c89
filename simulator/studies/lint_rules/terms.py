"""Rule on deterrence: false claims stop where detection d > m / (m + F) (Becker 1968)."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.model import gaming
from simulator.model.setting import WEEKS_PER_YEAR
from simulator.studies.lint_rules.rule import Finding, lint_rule
from simulator.studies.lint_rules.typical import ProgramView


@lint_rule
def deterrence(view: ProgramView) -> Iterator[Finding]:
    """A false claim of an activity is worth its risk: detection d is not above m / (m + F)."""
    for paid in view.paid:
        terms, price = paid.component.terms, paid.price * 100.0
        gain = gaming.false_claim_gain(price, terms.audit_rate[0], terms.penalty_multiple[0])
        if not paid.component.measure.padded or not paid.counts or not (gain > 0).any():
            continue
        cost = view.typical.setting.gaming("misreport_cost")[0] * 100.0
        stake = view.total(gaming.false_claim_rate(gain, cost) * price, paid) * WEEKS_PER_YEAR
        audit, multiple = float(terms.audit_rate[0, 0]), float(terms.penalty_multiple[0, 0])
        needed = 1.0 / (1.0 + multiple)
        yield Finding(
            "deterrence", view.name, f"{paid.place}.terms", "", audit, needed, "of claims audited", stake / 100,
            f"a false claim pays {view.money(view.mean(price, paid))} and is detected "
            f"with {audit:.0%}; it stops paying above {needed:.0%}",
            _mend(audit, needed),
        )  # fmt: skip


def _mend(audit: float, needed: float) -> str:
    """Raise detection, or the penalty to 1 / d - 1 times the claim."""
    if needed >= 1:
        return "add a penalty" if audit > 0 else "audit claims, and add a penalty for false ones"
    more = f"audit more than {needed:.0%}"
    return f"{more}, or raise the penalty above {1 / audit - 1:.3g} times the claim" if audit > 0 else more
