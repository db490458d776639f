"""The register of the region (`region.json`): its organizations with their hours, and the people who sign in."""

from __future__ import annotations

from typing import Any

from hub.demo.region.tables import code, rows

NAME = "ひばり野市"


def register(edition: str) -> dict[str, Any]:
    """Give the tree of `region.json` (hub.region); `edition` is the day it was made."""
    return {
        "name": NAME,
        "edition": edition,
        "network": code("network"),
        "organizations": [
            {
                "code": row["code"],
                "name": row["name"],
                "kind": row["kind"],
                "purpose": row["purpose"],
                "phone": row["phone"],
                "address": row["address"],
                "weekdays": [int(day) for day in row["weekdays"]],
                "opens": row["opens"],
                "closes": row["closes"],
                "open_on_holidays": row["open_on_holidays"] == "1",
            }
            for row in rows("organizations")
        ],
        "users": [{**row, "organization": code(row["organization"])} for row in rows("users")],
    }
