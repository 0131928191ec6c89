"""Estimators of a pilot's effect, all of the same thing: the effect per treated partner and period."""
