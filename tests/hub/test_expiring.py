"""Consents that end: told to the custodian once for each horizon, listed with what they say, whom to tell, and whether another follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.followers.expiring import Expiring
from schemas.adapter import BASE
from tests.hub.world import HOSPITAL, NETWORK, NOW, OFFICE, World, a_consent, a_patient, world

DAY = timedelta(days=1)


class Told:
    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock

    def at(self, days: float) -> None:
        self.clock[0] = NOW + days * DAY

    def look(self) -> int:
        follower = next(f for f in self.w.hub.runner.followers if isinstance(f, Expiring))
        return follower.look()

    def heard(self, organization: str) -> list[dict[str, Any]]:
        from consent.ask import Requester
        from hub.commands import Asking

        self.w.settle()
        region = self.w.hub.region
        asking = Asking(Requester(organization, region.kind_of(organization), "system"), region.purposes[organization], "r", "deliver")
        return [
            dict(one.event["data"])
            for one in self.w.hub.hear.after(asking, 0, 100)
            if one.event and one.event["data"]["event"] == "ConsentExpiring"
        ]

    def listed(self, **params: str) -> list[dict[str, Any]]:
        query = "&".join(f"{k}={v}" for k, v in params.items())
        return self.w.get(NETWORK, f"/audit/expiring.json?{query}").json()["expiring"]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    clock = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        w.put(HOSPITAL, a_patient())
        w.put(OFFICE, a_patient("u1"))
        yield Told(w, clock)


def ending(day: str, number: str = "k1", **more: Any) -> dict[str, Any]:
    return a_consent(number, **{"period": {"start": "2026-01-05", "end": day}, **more})


def by_guardian(until: str) -> dict[str, Any]:
    tree = a_consent()
    tree["extension"].append({
        "url": f"{BASE}/StructureDefinition/consent-proxy",
        "extension": [{"url": "kind", "valueCode": "guardian"}, {"url": "verified", "valueBoolean": True}, {"url": "until", "valueDate": until}],
    })  # fmt: skip
    return {**tree, "performer": [{"reference": "RelatedPerson/g", "display": "成年後見人"}]}


# ── told ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_custodian_hears_once_at_each_horizon_and_nobody_else_does(told: Told) -> None:
    """It ends with 22 February 2027; 90 days before is midnight to 25 November 2026, 14 hours (0.583 days) from now."""
    told.w.put(HOSPITAL, ending("2027-02-22"))
    assert told.look() == 0
    for days, number in ((0.58, 0), (0.59, 1), (1.5, 0), (30.58, 0), (30.59, 1), (60.58, 0), (60.59, 1), (80, 0)):
        told.at(days)
        assert told.look() == number, days
    heard = told.heard(HOSPITAL)
    assert [one["occurred"] for one in heard] == ["2027-02-22T15:00:00+00:00"] * 3
    assert {one["resource"]["reference"].partition("/")[0] for one in heard} == {"Consent"}
    assert told.heard(OFFICE) == []


def test_one_that_is_recorded_late_begins_at_the_nearest_horizon(told: Told) -> None:
    told.w.put(HOSPITAL, ending("2026-12-10"))
    assert told.look() == 1
    assert told.look() == 0


def test_a_new_end_is_told_of_anew_and_a_new_version_with_the_same_end_is_not(told: Told) -> None:
    told.w.put(HOSPITAL, ending("2026-12-10"))
    assert told.look() == 1
    told.w.put(HOSPITAL, {**ending("2026-12-10"), "language": "ja"})
    assert told.look() == 0
    told.w.put(HOSPITAL, ending("2026-12-20"))
    assert told.look() == 1


def test_what_was_taken_back_is_not_told_of(told: Told) -> None:
    told.w.put(HOSPITAL, ending("2026-12-10"))
    told.w.put(HOSPITAL, {**ending("2026-12-10"), "status": "inactive"})
    assert told.look() == 0
    assert told.listed(within="30") == []


def test_two_processes_tell_of_it_once(told: Told) -> None:
    hub = told.w.hub
    told.w.put(HOSPITAL, ending("2026-12-10"))
    first, second = (
        Expiring(store=hub.store, keys=hub.keys, secrets=hub.secrets, writer=hub.writer, now=hub.now) for _ in range(2)
    )  # fmt: skip
    with hub.store.read() as tx:
        from hub.tables import expiries

        found = expiries.between(tx, 0, 1 << 60, limit=10)
        both = [one._events(tx, found, hub.now()) for one in (first, second)]
    assert [len(made) for made in both] == [1, 1]
    assert [one._record(made) for one, made in zip((first, second), both, strict=True)] == [1, 0]


def test_the_end_of_a_representatives_power_is_told_of_too(told: Told) -> None:
    told.w.put(HOSPITAL, by_guardian("2026-12-15"))
    assert told.look() == 1
    (one,) = told.listed(within="30")
    assert (one["what"], one["ends"]) == ("power", "2026-12-16T00:00:00+09:00")


def test_a_person_who_is_to_be_erased_is_not_told_of(told: Told) -> None:
    told.w.put(HOSPITAL, ending("2026-12-10"))
    with told.w.hub.store.read() as tx:
        from hub.tables import resources

        patient = resources.own(tx, HOSPITAL, "Patient")[0].stream
    told.w.hub.keys.destroy([patient])
    assert told.look() == 0


def stated(told: Told, at: str, state: str, review: date | None) -> None:
    """Let the clerk state it of the Patient of an organization."""
    from consent.ask import Requester
    from hub.commands import Asking
    from hub.tables import resources

    with told.w.hub.store.read() as tx:
        patient = resources.own(tx, at, "Patient")[0].stream
    asking = Asking(Requester(HOSPITAL, "hospital", "doctor", "doctor"), "TREAT", "r", "write")
    told.w.hub.desk.capacity(asking, patient, state=state, found=date(2026, 11, 24), review=review, document="診断書（11月24日）")


def test_a_finding_of_capacity_is_listed_by_its_day_of_review_until_another_follows(told: Told) -> None:
    stated(told, HOSPITAL, "incapable", date(2026, 12, 20))
    (one,) = told.listed(within="30")
    assert (one["what"], one["ends"], one["custodian"], one["says"]) == ("capacity", "2026-12-21T00:00:00+09:00", HOSPITAL, None)
    assert told.look() == 0
    told.w.sign_in("officer")
    page = told.w.get("officer", "/audit/expiring").text
    assert "判断能力の見直し日" in page
    assert '30日以内に切れる同意</dt><dd><b class="num">0</b>' in told.w.get("officer", "/audit").text
    stated(told, HOSPITAL, "incapable", date(2027, 1, 20))
    assert [one["ends"][:10] for one in told.listed(within="90")] == ["2027-01-21"]
    stated(told, HOSPITAL, "capable", None)
    assert told.listed(within="90") == []


# ── listed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_list_reaches_as_far_as_it_says(told: Told) -> None:
    """From now, 24 November 10:00: the last day of 23 December is over 30 days later at 00:00."""
    told.w.put(HOSPITAL, ending("2026-12-23"))
    told.w.put(HOSPITAL, ending("2026-12-24", "k2"))
    told.w.put(OFFICE, {**ending("2027-02-01", "k3"), "patient": {"reference": "Patient/u1"}, "performer": [{"reference": "Patient/u1"}]})
    assert [len(told.listed(within=one)) for one in ("30", "60", "90", "ended")] == [1, 2, 3, 0]
    assert [one["custodian"] for one in told.listed(within="90", organization=OFFICE)] == [OFFICE]


def test_it_says_what_the_consent_says(told: Told) -> None:
    told.w.put(HOSPITAL, ending("2026-12-10"))
    (one,) = told.listed(within="30")
    assert one["says"]["head"] == "共有に同意"
    assert one["says"]["いつまで"] == "2026-12-10 まで"
    assert one["says"]["何のために"] == "介護の支援、診療"
    assert one["says"]["だれが、いつ"] == "本人、2026-01-05（書面）"


def test_what_has_ended_is_listed_until_another_follows(told: Told) -> None:
    told.w.put(HOSPITAL, ending("2026-11-20"))
    (one,) = told.listed(within="ended")
    assert one["followed"] is False
    told.w.put(HOSPITAL, a_consent("k2"))
    assert told.listed(within="ended") == []


def test_a_refusal_does_not_follow_a_permit(told: Told) -> None:
    told.w.put(HOSPITAL, ending("2026-12-10"))
    told.w.put(HOSPITAL, a_consent("k2", type="deny"))
    assert [one["followed"] for one in told.listed(within="30")] == [False]


def test_page_after_page_gives_all(told: Told) -> None:
    for n in range(7):
        told.w.put(HOSPITAL, ending(f"2026-12-{1 + n // 2:02}", f"k{n}"))
    from consent.ask import Requester
    from hub.commands import Asking

    asking, cursor, found = Asking(Requester(NETWORK, "network", "system"), "HCOMPL", "r", "audit"), "", []
    while True:
        page = told.w.hub.expiring.listed(asking, "30", cursor=cursor, size=2)
        found += [one.consent for one in page.found]
        cursor = page.next
        if not cursor:
            break
    assert len(found) == len(set(found)) == 7


def test_the_page_tells_whom_to_tell_and_the_tile_counts(told: Told) -> None:
    told.w.put(HOSPITAL, by_guardian("2026-12-15"))
    told.w.put(HOSPITAL, ending("2026-11-24", "k2"))
    told.w.sign_in("officer")
    page = told.w.get("officer", "/audit/expiring").text
    assert "成年後見人（代理）" in page
    assert "きょうまで" in page
    assert "ひがし病院" in page
    assert "あと21日" in page
    assert "山田" not in page
    assert '30日以内に切れる同意</dt><dd><b class="num">1</b>' in told.w.get("officer", "/audit").text


def test_it_is_for_officers_and_refuses_another_stretch(told: Told) -> None:
    assert told.w.get(HOSPITAL, "/audit/expiring.json").status_code == 403
    told.w.sign_in("manager")
    assert told.w.get("manager", "/audit/expiring").status_code == 403
    assert "HUB-5187" in told.w.get(NETWORK, "/audit/expiring.json?within=7").text
