"""What an examination finds, and what it could not look at."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From what spoils a run to what is only good to know."""

_SHOWN = 160


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        check: Name of the check.
        severity: `error`: the run is spoilt; `warning`: it is probably worse than it could be;
            `note`: good to know.
        where: The observation key or the path of the module.
        what: What was found, with the numbers.
        fix: What to change.
    """

    check: str
    severity: Severity
    where: str
    what: str
    fix: str


class NotApplicable(Exception):
    """A check has nothing to look at; the message says why."""


def one_line(error: Exception) -> str:
    """Describe what foreign code raised.

    Args:
        error: Anything.
    """
    return " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]


@dataclass(frozen=True)
class Report:
    """The findings of all checks.

    Attributes:
        findings: What was found, the worst first.
        ran: Checks that could look at all they wanted.
        skipped: From a check that could not, at least in part, to the reason.
    """

    findings: tuple[Finding, ...]
    ran: tuple[str, ...]
    skipped: Mapping[str, str]

    @property
    def healthy(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return all(finding.severity == "note" for finding in self.findings)

    def summary(self) -> str:
        """Say in one line what was found, which checks ran, and why others did not."""
        counts = Counter(finding.severity for finding in self.findings)
        found = [_plural(counts[name], name) for name in SEVERITIES if counts[name]]
        parts = [f"Found {', '.join(found)}." if found else "Found nothing."]
        parts.append(f"Ran {len(self.ran)}: {', '.join(self.ran) or 'none'}.")
        if self.skipped:
            reasons: dict[str, list[str]] = {}
            for name, why in self.skipped.items():
                reasons.setdefault(why, []).append(name)
            listed = "; ".join(f"{', '.join(names)} ({why})" for why, names in reasons.items())
            parts.append(f"Skipped {len(self.skipped)}: {listed}.")
        return " ".join(parts)


def _plural(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
