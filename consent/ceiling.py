"""What a role may see at most, whatever a person has permitted (consent-and-audit facts §1.11, role ceiling)."""

from __future__ import annotations

from typing import Literal

from consent.ask import Network, Record, Requester
from consent.classes import data_class

Reach = Literal["ok", "out", "family"]
"""`family` = all but what is said of the family."""

_LABELLED: dict[str | None, str] = {"R": "X", "V": "V", None: "V"}
"""What is not labelled may be of the highest."""


def reach(requester: Requester, record: Record, network: Network, *, named: bool) -> Reach:
    """Say how far the role reaches. `named` = the consent names the type of the resource, which opens classes marked `?`."""
    role = network.lead_roles.get(requester.kind, "") if requester.role == "system" else requester.role
    allowed = network.ceiling.get(role)
    found = data_class(record.type, record.codes)
    if not allowed or found is None:
        return "out"
    part = f"{found.name}.{found.part}"
    if found.name not in allowed and part not in allowed and not (named and f"{found.name}?" in allowed):
        return "out"
    letter = _LABELLED.get(record.labels.confidentiality)
    if letter and letter not in allowed and f"{letter}.{found.part}" not in allowed:
        return "out"
    return "family" if record.family and "F" not in allowed else "ok"


def sees_content(requester: Requester, network: Network) -> bool:
    """Say whether the role sees any content at all: officers and operators do not, even of their own organization's records."""
    return requester.role == "system" or bool(network.ceiling.get(requester.role))
