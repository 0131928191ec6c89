"""What in an export's rows speaks against it: dates in the future, names written in several ways, imports in bulk,
cohorts cut off by the closing date, and how much hangs on few deals.

What a stage means: won, lost or open.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from simulator.calibration.profile import Profile
from simulator.calibration.remarks import RemarkLog

FUTURE_GAP, FUTURE_SHARE = pd.Timedelta(days=180), 0.01
"""Without a known day of export, up to this share of the dates, this long after all others, is in the future."""
BULK_SHARE, BULK_ROWS = 0.05, 20
"""Creations on one day that are an import, not that day's business; judgement."""
TRUNCATED_ROWS = 20
"""Deals that were open for a median cycle before the first close of all: by chance once in a million."""
TAIL, TAIL_VALUE = 0.01, 0.3
"""A hundredth of the deals with more than this share of the value is worth a word."""
_ID = re.compile(r"(?=.*\d)[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
"""Record ids, in which upper and lower case differ."""


def last_day(days: pd.Series, profile: Profile) -> tuple[pd.Timestamp | None, str]:
    """The last day that can be, and what later ones are; None where none is too late."""
    if profile.dates.export_date is not None:
        return pd.Timestamp(profile.dates.export_date), "after the export"
    unique, counts = np.unique(days.dropna().to_numpy(), return_counts=True)
    after = counts.sum() - counts.cumsum()
    apart = np.diff(unique) > FUTURE_GAP.to_timedelta64()
    few = unique[:-1][apart & (after[:-1] <= FUTURE_SHARE * counts.sum())]
    if not len(few):
        return None, ""
    day = pd.Timestamp(few[0])
    return day, f"in the future, more than {FUTURE_GAP.days} days after {day:%Y-%m-%d}, the last day of all others"


def spellings(
    use: str, words: Sequence[str], codes: pd.Series, known: frozenset[str] | None, log: RemarkLog
) -> list[str]:
    """`words` with one spelling, the known or most frequent, for those that differ in case, spaces and signs only."""
    counts = np.bincount(codes.to_numpy(), minlength=len(words))
    groups: dict[str, list[int]] = {}
    for code, word in enumerate(words):
        if word and not _ID.fullmatch(word):
            groups.setdefault(_key(word), []).append(code)
    chosen, told, rows = list(words), [], 0
    named = {_key(name): name for name in known or ()}
    for key, group in groups.items():
        best = named.get(key) or max((int(counts[code]), words[code]) for code in group)[1]
        odd = [code for code in group if words[code] != best and counts[code]]
        rows += sum(int(counts[code]) for code in odd)
        told += [f"'{words[code]}' as '{best}'" for code in odd]
        for code in odd:
            chosen[code] = best
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    log.add("repaired", f"{use} written in several ways", rows, ", ".join(told[:3]) + more)
    return chosen


def in_one_spelling(words: pd.Series, known: Iterable[str]) -> pd.Series:
    """`words` as the one of `known` that they differ from in case, spaces and signs only, if there is one."""
    named = {_key(name): name for name in known}
    return words.map({word: named.get(_key(word), word) for word in words.unique()})


def _key(word: str) -> str:
    """Letters and digits alone, in one case; digits that were apart stay apart."""
    plain = unicodedata.normalize("NFKC", word).casefold()
    return re.sub(r"[^\w~]|_", "", re.sub(r"(?<=\d)[\W_]+(?=\d)", "~", plain))


def bulk_created(created: pd.Series, log: RemarkLog) -> None:
    """Note a day on which so many opportunities were created that they were imported."""
    counts = created.value_counts()
    if counts.empty or counts.iloc[0] <= max(BULK_SHARE * len(created), BULK_ROWS):
        return
    detail = "their age is that of the import: exclude them by a rule of the profile, or repair the dates"
    log.add("noted", f"created on {counts.index[0]:%Y-%m-%d}, a bulk import", int(counts.iloc[0]), detail)


def complete_from(rows: pd.DataFrame, log: RemarkLog) -> pd.Timestamp | None:
    """The day from which cohorts are whole, where an export was cut by closing date; None where it was not.

    Half of all decided deals are decided within the median cycle. So where many were created more than that before the
    first close of all, those that closed sooner have been cut off.
    """
    closed = rows["closed"].dropna()
    if closed.empty:
        return None
    first, cycle = closed.min(), (closed - rows.loc[closed.index, "created"]).median()
    if int((rows["created"] < first - cycle).sum()) < TRUNCATED_ROWS:
        return None
    detail = f"of deals created before {first:%Y-%m-%d}, the first close, only slow ones are there"
    log.add("noted", "cohorts cut off by the closing date", int((rows["created"] < first).sum()), detail)
    return pd.Timestamp(first)


def note_tail(rows: pd.DataFrame, log: RemarkLog) -> None:
    """Note how much of the value is in the largest hundredth of the deals, where that is much."""
    amounts = np.sort(rows["amount"].dropna().to_numpy())[::-1]
    count = int(np.ceil(TAIL * len(amounts)))
    share = float(amounts[:count].sum() / amounts.sum()) if len(amounts) else 0.0
    if share > TAIL_VALUE:
        log.add("noted", "largest hundredth of the amounts", count, f"{share:.0%} of all value: sums are ruled by few")


OF_FUNNEL = 5
"""Open stages of the funnel: found, qualified, after the demo, after the pilot, agreed."""
_WON, _LOST, _CLOSED = re.compile(r"\bwon\b"), re.compile(r"\blost\b"), re.compile(r"\bclos|cancel|\bdead\b|disqualif")


def outcome_of(stage: str, profile: Profile) -> str | None:
    """Outcome of a stage by the profile; None where it does not say.

    Companies name their open stages themselves. So a profile of a CRM (`infer`) takes a stage that it does not know for
    open, unless its name speaks of an end; one that says won or lost is that.
    """
    stages = profile.stages
    for outcome, values in (("won", stages.won), ("lost", stages.lost), ("open", stages.open)):
        if stage in values:
            return outcome
    name = stage.casefold()
    if not profile.infer or not name:
        return None
    won, lost = bool(_WON.search(name)), bool(_LOST.search(name))
    if won != lost:
        return "won" if won else "lost"
    return None if won or _CLOSED.search(name) else "open"


def open_stage(passed: int, stages: Sequence[str]) -> str:
    """The open stage of a CRM, in their order, of a deal that passed so many stages of the funnel."""
    return stages[passed * len(stages) // OF_FUNNEL]


def milestone_of(stage: str, profile: Profile) -> int | None:
    """Stages of the funnel that a deal in a stage has passed, 0 to 3; None where the profile does not tell."""
    opens, named = profile.stages.open, profile.history.milestones
    if named:
        # Stages between two milestones belong to the earlier one.
        places = [opens.index(name) if name in opens else -1 for name in named]
        if stage in named:
            return named.index(stage) + 1
        return sum(0 <= place <= opens.index(stage) for place in places) if stage in opens else None
    if stage not in opens or len(opens) < OF_FUNNEL:
        return None
    return sum(opens.index(stage) >= passed * len(opens) // OF_FUNNEL for passed in (1, 2, 3))
