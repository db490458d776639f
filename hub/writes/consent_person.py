"""What a person says themselves, or a proxy inside their power: stop, yes again, an organization, emergencies, an objection.

Each matter is one Consent of the network's office, under a name of its own: to say it again is its next version. A proxy's word stands
beside the person's, never in its place (`consent.selecting`): no deny of the person is lifted by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from consent.rules import RESERVATION
from consent.times import TOKYO
from hub.commands import Asking, Taken
from hub.log.secrets import Secrets
from hub.log.store import Store
from hub.names import MAIN
from hub.region import Region
from hub.tables import resources
from hub.tables.derive import namer
from hub.writes.consent_entry import EnteringConsents
from hub.writes.consent_form import EMERGENCY, EXCLUSION, SHARING, Signer, Tree, actors, extension, network, proxy, purposes
from schemas.errors import Denied, NotFound

_HL7 = "http://terminology.hl7.org/CodeSystem"
YEARS = 2
"""For so long a yes holds that a person says here, when they say no other day."""
WISHES = frozenset({"permit", "refuse", "unasked"})


@dataclass(frozen=True, slots=True)
class Said:
    """What was recorded, and what became of it."""

    tree: Tree
    taken: Taken


class PersonsWord:
    """These commands over their ports."""

    def __init__(
        self, *, store: Store, enter: EnteringConsents, secrets: Secrets, region: Region, now: Callable[[], datetime]
    ) -> None:  # fmt: skip
        self._store, self._enter, self._secrets, self._region, self._now = store, enter, secrets, region, now

    def stop_all(self, asking: Asking, patient: str) -> Said:
        """Show nobody anything any more, whatever was said before."""
        return self._say(asking, patient, SHARING, {"type": "deny"})

    def share(self, asking: Asking, patient: str, recipients: Sequence[str] = (), exceptions: Sequence[Tree] = ()) -> Said:
        """Say yes (again): to all members but for the exceptions, or to these organizations; what was stopped one by one stays stopped."""
        for code in recipients:
            self._known(code)
        today = self._now().astimezone(TOKYO).date()
        ends = today.replace(year=today.year + YEARS, day=min(today.day, 28))
        provision: Tree = {
            "type": "permit", "period": {"start": today.isoformat(), "end": ends.isoformat()}, "purpose": purposes(("TREAT", "CAREMGT")),
            "securityLabel": [{"system": f"{_HL7}/v3-Confidentiality", "code": "N"}],
        }  # fmt: skip
        if recipients:
            provision["actor"] = actors(sorted(recipients), self._enter.office)
        elif exceptions:
            provision["provision"] = list(exceptions)
        return self._say(asking, patient, SHARING, provision)

    def stop(self, asking: Asking, patient: str, code: str, *, over: bool = False) -> Said:
        """Show one organization nothing; `over` = take that back."""
        self._known(code)
        provision = {"type": "deny", "actor": actors((code,), self._enter.office)}
        return self._say(asking, patient, f"{EXCLUSION}/{code}", provision, status="inactive" if over else "active")

    def wish(self, asking: Asking, patient: str, answer: str) -> Said:
        """Say whether the record may be opened in an emergency: permit, refuse, or (unasked) take the answer back."""
        if answer not in WISHES:
            raise NotFound("HUB-5041")
        effect = "deny" if answer == "refuse" else "permit"
        provision: Tree = {"type": effect, "purpose": purposes(("ETREAT", "BTG") if answer == "refuse" else ("BTG",))}
        said = [extension("emergency", valueCode=answer)]
        return self._say(asking, patient, EMERGENCY, provision, more=said, status="inactive" if answer == "unasked" else "active")

    def reserve(self, asking: Asking, patient: str, *, over: bool = False) -> Said:
        """Object to being shown on posted purposes, without having been asked; `over` = take that back."""
        return self._say(asking, patient, RESERVATION, {"type": "deny"}, status="inactive" if over else "active")

    def withdraw(self, asking: Asking, tree: Tree) -> Taken:
        """Record a Consent that stands over another's (`hub.writes.consent_over`)."""
        self._signer(asking)
        return self._enter.record(asking, tree)

    def anew(self, asking: Asking, tree: Tree, number: str, version: int) -> Taken:
        """Record the next version of a Consent of the network's own office."""
        self._signer(asking)
        return self._enter.record(asking, tree, number, version)

    # ── shared ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _say(
        self, asking: Asking, patient: str, policy: str, provision: Tree, *, more: Sequence[Tree] = (), status: str = "active"
    ) -> Said:
        signer = self._signer(asking)
        proxied = asking.requester.person if signer.kind else ""
        patient = self._said_of(asking, policy, proxied) or patient
        about = {"reference": f"Patient/{patient}"}
        tree: Tree = {
            "resourceType": "Consent", "id": self._number(patient, policy, proxied),
            "extension": [extension("form", valueCode="electronic"), *more, *([proxy(signer)] if signer.kind else [])],
            "status": status,
            "scope": {"coding": [{"system": f"{_HL7}/consentscope", "code": "patient-privacy"}]},
            "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
            "patient": about, "dateTime": self._now().astimezone(TOKYO).isoformat(timespec="milliseconds"),
            "performer": [{"display": signer.name} if signer.kind else about],
            "organization": [network()], "policy": [{"uri": policy}], "provision": provision,
        }  # fmt: skip
        return Said(tree, self._enter.record(asking, tree, tree["id"]))

    def _said_of(self, asking: Asking, policy: str, proxied: str) -> str:
        """Give the Patient of which this matter was said last: which of a person's is the first changes as others record them. Empty = not said yet."""
        name = namer(self._secrets, asking.requester.organization, MAIN)
        found: list[tuple[int, str]] = []
        with self._store.read() as tx:
            for one in sorted(asking.requester.patients or ()):
                patient = one.removeprefix("Patient/")
                row = resources.newest(tx, name("Consent", self._number(patient, policy, proxied)))
                if row is not None and not row.deleted:
                    found.append((row.position, patient))
        return max(found, default=(0, ""))[1]

    def _number(self, patient: str, policy: str, proxy: str) -> str:
        """Give the id under which this matter is kept: a keyed hash, so that it tells of nobody."""
        return f"own-{self._secrets.token('own-consent', f'{patient}|{policy}|{proxy}').hex()[:40]}"

    def _signer(self, asking: Asking) -> Signer:
        """Say who speaks; raise Denied for who is bound to nobody, or whose power does not reach any more."""
        requester = asking.requester
        user = self._region.users.get(requester.person)
        if requester.kind != "subject" or user is None or not requester.patients:
            raise Denied("HUB-5138")
        if requester.role == "subject":
            return Signer()
        if user.power is None:
            raise Denied("HUB-5138")
        return Signer(user.power.kind, user.name, verified=True, authority=user.power.document, until=user.power.until)

    def _known(self, code: str) -> None:
        if code not in self._region.offices or self._region.kind_of(code) == "network":
            raise NotFound("HUB-5041")
