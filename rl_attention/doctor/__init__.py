"""What silently ruins a run: checks of models, environments and observation spaces."""

from rl_attention.doctor.checks import CHECKS
from rl_attention.doctor.diagnosis import diagnose, examine
from rl_attention.doctor.findings import SEVERITIES, Finding, Report, Severity

__all__ = ["CHECKS", "SEVERITIES", "Finding", "Report", "Severity", "diagnose", "examine"]
