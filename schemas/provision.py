"""One record of provision (提供の記録) as a row: what tables hold and pages and prints are drawn from."""

from __future__ import annotations

from typing import NamedTuple


class ProvisionRow(NamedTuple):
    """One line. `at` in milliseconds; codes of organizations as they were recorded."""

    position: int
    line: int
    reference: str
    """Of the decision."""
    at: int
    patient: bytes
    """The custodian's own Patient that the records are about."""
    custodian: str
    """Who gave; empty = of an edition that did not say, and the records are not known any more."""
    receiver: str
    kind: str
    """Kind of the receiving organization."""
    staff: str
    """User; empty = the organization's application."""
    role: str
    purpose: str
    action: str
    effect: str
    """`redact` = a part of what left was masked."""
    reason: str
    basis: str
    items: str
    """What left, by type and number: `Condition:2 Observation:5`."""
    consents: str
    """Versions that permitted it: `Consent/tsu-…/2`, parted by blanks."""
    session: str
    rules: str
    """Edition of the network's rules."""

    @property
    def own(self) -> bool:
        """Say whether an organization looked at its own records."""
        return self.custodian == self.receiver
