"""What the hub can do, drawn from its tables: the CapabilityStatement (R4), true and nothing more."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import orjson

from hub.reads.resources import OFFERED
from schemas.fhir.schema import resource_types

_SEARCH = {"_id": "token", "identifier": "token", "patient": "reference", "_lastUpdated": "date"}
_WRITTEN = ("create", "update", "delete")
_READ = ("read", "vread", "search-type")
MADE_HERE = frozenset({"AuditEvent"})
"""Types that the hub itself makes: read only."""
NOT_STORED = frozenset({"Bundle", "OperationOutcome", "Parameters", "CapabilityStatement"}) | MADE_HERE


@cache
def _personal() -> frozenset[str]:
    return frozenset(orjson.loads(files("schemas").joinpath("data/fhir/compartments.json").read_bytes())["about"])


def offers(kind: str, name: str) -> bool:
    """Say whether a type has a search parameter."""
    return name in OFFERED and (name != "patient" or kind in _personal())


def statement(base: str, started: str) -> dict[str, Any]:
    """Make the CapabilityStatement. `started` = when this hub was started, an instant."""
    resources: list[dict[str, Any]] = [_resource(kind) for kind in sorted(resource_types() - NOT_STORED)]
    resources.append({
        "type": "AuditEvent",
        "interaction": [{"code": "search-type"}],
        "searchParam": [{"name": n, "type": t} for n, t in (("date", "date"), ("patient", "reference"), ("outcome", "token"))],
    })
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
        "conditionalUpdate": True,
        "searchParam": [{"name": n, "type": t} for n, t in _SEARCH.items() if offers(kind, n)],
    }
