"""Pilots: who is tried on a candidate program, what is measured, and what can be concluded from it."""
