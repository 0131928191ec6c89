"""The fields of a scenario that say what happens between the partners of a pilot, and how well surveys measure."""

from __future__ import annotations

from simulator.program.spec import Spec, number


class Pilot(Spec):
    """What happens while some partners are on a candidate and others are not. Nothing of it where all numbers are 0."""

    contamination: float = number(
        0.0,
        "share of the response that leaks to a partner when all others of its territory are on the candidate",
        unit="share", ge=0, le=1,
        source="Torgerson 2001, BMJ 322: 355 plans for 0.2; 0 to 0.3 is plausible, off by default",
    )  # fmt: skip
    resentment: float = number(
        0.0,
        "share by which the value of work falls when all others of the territory are offered twice as much",
        unit="share per relative gap", ge=0, le=2,
        source="Breza, Kaur and Shamdasani 2018: pay unequal for no reason that shows costs workers 0.24 sd of output "
        "and 12 % of attendance; 0 to 0.5 is plausible, off by default",
    )  # fmt: skip
    drop_out: float = number(
        0.0, "share of a pilot's partners that drop out in a quarter, and are on the baseline from then on",
        unit="share per quarter", ge=0, lt=1, source="judgement: 0 to 0.1 is plausible, off by default",
    )  # fmt: skip
    survey_reliability: float = number(
        0.7, "share of the variance of a survey's answers that is not noise", unit="share", ge=0, le=1,
        source="Nunnally 1978: 0.7 is modest, 0.8 good", grade="B",
    )  # fmt: skip
