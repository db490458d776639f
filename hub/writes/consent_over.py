"""A Consent that stands over another: recorded by the network's office, of the same matter, so that what another organization took holds no more. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consent.times import TOKYO
from hub.writes.consent_form import extension

_KEPT = ("scope", "category", "organization", "policy", "policyRule", "provision")
_KEPT_META = ("profile", "tag")
_OF_GRANTING = ("/consent-proxy", "/consent-confirmed-by")


def over(
    tree: Mapping[str, Any], *, patient: str, holder: Mapping[str, Any], at: datetime, status: str = "inactive", form: str = "electronic"
) -> dict[str, Any]:  # fmt: skip
    """Give a Consent of the same controller, policy and grantor, signed now.

    `inactive` = it withdraws: older ones of its group permit nothing any more. `patient` = id of the Patient that the
    other is about: a link that is taken back must not part the two. `holder` = a reference to who recorded the other: for them it speaks
    where it names no organization. Over a confirmation at the visit it says who confirmed, since none can be read without.
    """
    extensions = [
        extension("form", valueCode=form),
        *(e for e in tree.get("extension", ()) if str(e.get("url", "")).endswith(_OF_GRANTING)),
    ]
    about = {"reference": f"Patient/{patient}"}
    made: dict[str, Any] = {"resourceType": "Consent", "extension": extensions, "status": status}
    made |= {name: tree[name] for name in _KEPT if name in tree}
    made.setdefault("organization", [dict(holder)])
    if meta := {name: tree["meta"][name] for name in _KEPT_META if name in tree.get("meta", {})}:
        made["meta"] = meta
    made |= {"patient": about, "dateTime": at.astimezone(TOKYO).isoformat(timespec="milliseconds")}
    proxied = any(str(e["url"]).endswith("/consent-proxy") for e in extensions)
    made["performer"] = (
        [{name: value for name, value in p.items() if name != "reference"} or {"display": "代理の方"} for p in tree["performer"]]
        if proxied
        else [about]
    )
    return made


def answered(tree: Mapping[str, Any], *, patient: str, holder: Mapping[str, Any], at: datetime, emergency: str) -> dict[str, Any]:
    """Give a Consent that says the same as another, signed now by the person, with another answer to the question of emergencies."""
    dropped = ("/consent-form", "/consent-emergency", "/taken-by")
    kept = [e for e in tree.get("extension", ()) if not str(e.get("url", "")).endswith(dropped)]
    made = over(tree, patient=patient, holder=holder, at=at, status="active")
    made["extension"] = [extension("form", valueCode="electronic"), extension("emergency", valueCode=emergency), *kept]
    return made
