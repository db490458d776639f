"""The invented region that the benchmarks run in: two hospitals, a visiting-nurse station, a care manager's office, the network."""

from __future__ import annotations

from hub.region import Region, parse_region
from schemas.ids import check_digit


def _code(body: str) -> str:
    return body + check_digit(body)


HOSPITAL, EMERGENCY = _code("131900001"), _code("131900002")
STATION, OFFICE, NETWORK = _code("136900001"), _code("137900001"), _code("139900001")
DOCTOR, MANAGER = "doctor", "manager"


def region() -> Region:
    """Give the register. `DOCTOR` works at the emergency hospital, `MANAGER` at the care manager's office."""
    organizations = [
        (HOSPITAL, "測定第一病院", "hospital", "TREAT"),
        (EMERGENCY, "測定救急病院", "hospital", "TREAT"),
        (STATION, "測定訪問看護", "visiting-nurse", "TREAT"),
        (OFFICE, "測定居宅介護支援", "care-manager", "CAREMGT"),
        (NETWORK, "測定協議会", "network", "HCOMPL"),
    ]
    users = [(DOCTOR, EMERGENCY, "測定 医師", "doctor", "TREAT"), (MANAGER, OFFICE, "測定 専門員", "care-manager", "CAREMGT")]
    return parse_region(
        {
            "name": "測定の地域",
            "edition": "2026-01-01",
            "network": NETWORK,
            "organizations": [{"code": c, "name": n, "kind": k, "purpose": p} for c, n, k, p in organizations],
            "users": [{"id": i, "organization": o, "name": n, "role": r, "purpose": p} for i, o, n, r, p in users],
        }
    )
