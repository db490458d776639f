"""What the hub can do, drawn from its tables: the CapabilityStatement (R4), true and nothing more."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from hub.reads.audit_criteria import OFFERED, PURPOSE
from hub.reads.criteria import offers
from hub.writes.targets import NOT_STORED
from schemas.adapter import BASE
from schemas.fhir.schema import resource_types

_SEARCH = {"_id": "token", "identifier": "token", "patient": "reference", "_lastUpdated": "date"}
_PURPOSE_SAID = "AuditEvent.purposeOfEvent（利用目的 / purpose of use）: a parameter of this hub, which R4 does not define"
_WRITTEN = ("create", "update", "delete")
_READ = ("read", "vread", "search-type")


def statement(base: str, started: str) -> dict[str, Any]:
    """Make the CapabilityStatement. `started` = when this hub was started, an instant."""
    resources: list[dict[str, Any]] = [_resource(kind) for kind in sorted(resource_types() - NOT_STORED)]
    resources.append(
        {
            "type": "AuditEvent",
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": [
                {"name": n, "type": t, **({"definition": f"{BASE}/{PURPOSE}", "documentation": _PURPOSE_SAID} if n == "purpose" else {})}
                for n, t in OFFERED.items()
            ],
        }
    )
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": started,
        "kind": "instance",
        "software": {"name": "Tsunagu", "version": version("tsunagu")},
        "implementation": {"description": "つなぐ：医療と介護をつなぐ地域のハブ", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "Authorization: Bearer（組織ごとのトークン / a token of each organization）"},
                "resource": resources,
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
                "operation": [
                    {"name": "summary", "definition": "http://hl7.org/fhir/uv/ips/OperationDefinition/summary"},
                    {"name": "board", "definition": "https://tsunagu.example.jp/OperationDefinition/board"},
                ],
            }
        ],
    }


def _resource(kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "interaction": [{"code": c} for c in (*_READ, *_WRITTEN)],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "not-match",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "searchParam": [{"name": n, "type": t} for n, t in _SEARCH.items() if offers(kind, n)],
    }
