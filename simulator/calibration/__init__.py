"""From a CRM export to a fitted scenario: `calibrate(export, profile, out)`."""

from simulator.calibration.calibrate import Calibration, calibrate
from simulator.calibration.profile import load_profile, shipped_profiles
from simulator.calibration.remarks import FittedNumber, Remark

__all__ = ["Calibration", "FittedNumber", "Remark", "calibrate", "load_profile", "shipped_profiles"]
