"""One cut-down model, written as a user of another tool would: SimPy, Mesa and plain NumPy, with draws of their own."""
