"""From a CRM export to a fitted scenario: `calibrate(export, profile, out)`."""

from simulator.calibrate.calibration import Calibration, calibrate
from simulator.calibrate.findings import Estimate, Remark
from simulator.calibrate.profile import load_profile, shipped_profiles

__all__ = ["Calibration", "Estimate", "Remark", "calibrate", "load_profile", "shipped_profiles"]
