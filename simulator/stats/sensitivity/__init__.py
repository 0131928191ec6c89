"""Sensitivity of an outcome to uncertain inputs: pure functions on arrays, one module per method.

Nothing here simulates. A method either looks at runs that were made anyway, inputs (N, K) and outcomes (N,), or states
a design, points (V, K) in the unit cube, and looks at the outcomes (V, R) of its points in the same R worlds.
"""
