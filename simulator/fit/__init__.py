"""The reference population, and what partners take for granted because of it."""

from simulator.fit.design import Design
from simulator.fit.reference import Reference, compile_named

__all__ = ["Design", "Reference", "compile_named"]
