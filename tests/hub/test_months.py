"""The review of access logs (ガイドライン6.0 システム運用編17①): a month's counts by organization and role, what is open, and its signature."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.hub.world import HOSPITAL, OFFICE, World, a_consent, a_patient, an_encounter, world

NOTE = "件数と拒否を見た。気になるものはない。"


class Told:
    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock

    def page(self, month: str = "") -> str:
        return self.w.get("officer", f"/audit/months{f'?month={month}' if month else ''}").text


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """In November the office reads three times with consent and twice without; it is 3 December."""
    clock = [datetime(2026, 11, 24, 1, 0, tzinfo=UTC)]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, an_encounter())
        from hub.names import hub_id
        from hub.tables import resources

        with w.hub.store.read() as tx:
            stay = hub_id(resources.own(tx, HOSPITAL, "Encounter")[0].stream)
        for _ in range(2):
            w.get(OFFICE, f"/fhir/Encounter/{stay}")
        w.put(HOSPITAL, a_consent())
        for _ in range(3):
            w.get(OFFICE, f"/fhir/Encounter/{stay}")
        clock[0] = datetime(2026, 12, 3, 1, 0, tzinfo=UTC)
        w.sign_in("officer")
        yield Told(w, clock)


def row(page: str, organization: str) -> list[str]:
    found = re.search(rf"<tr><th[^>]*><a[^>]*>{organization}</a></th>(.*?)</tr>", page, re.DOTALL)[1]
    return re.findall(r'class="num">([^<]+)<', found)


def test_it_begins_with_the_oldest_month_that_nobody_has_signed_for(told: Told) -> None:
    page = told.page()
    assert "2026年11月" in page
    assert row(page, "あおば居宅") == ["3（0）", "2"]
    assert row(page, "ひがし病院")[2] == "3"  # a Patient, an Encounter, a Consent came in


def test_an_officers_own_looks_are_no_disclosures(told: Told) -> None:
    assert "責任者の点検" not in told.page("2026-11")
    page = told.page("2026-12")
    assert row(page, "事務局")[:2] == ["0（0）", "0"]
    assert "責任者の点検" in page


def test_the_counts_are_the_same_once_the_follower_has_counted(told: Told) -> None:
    before = told.page("2026-11")
    follower = next(f for f in told.w.hub.runner.followers if f.name == "tallies")
    while follower.step():
        pass
    assert row(told.page("2026-11"), "あおば居宅") == row(before, "あおば居宅")


def test_the_month_begins_and_ends_at_midnight_in_japan(told: Told) -> None:
    """15:00 UTC on the last day of November is December in Japan."""
    for hour, month in ((14, "2026-11"), (15, "2026-12")):
        told.clock[0] = datetime(2026, 11, 30, hour, 59, 59, tzinfo=UTC) if hour == 14 else datetime(2026, 11, 30, 15, 0, tzinfo=UTC)
        before = told.w.hub.months.one(_officer(told), month).counted
        told.w.put(HOSPITAL, {**an_encounter(f"m{hour}")})
        after = told.w.hub.months.one(_officer(told), month).counted
        assert sum(one.taken for one in after) == sum(one.taken for one in before) + 1


def _officer(told: Told):
    from consent.ask import Requester
    from hub.commands import Asking
    from tests.hub.world import NETWORK

    return Asking(Requester(NETWORK, "network", "privacy-officer", "officer"), "HCOMPL", "r", "audit")


def test_the_officer_signs_and_the_month_is_due_no_more(told: Told) -> None:
    assert 'href="/audit/months?month=2026-11"' in told.page("2026-12")
    answer = told.w.form("officer", "/audit/months/sign", month="2026-11", note=NOTE)
    assert answer.status_code == 303
    page = told.page("2026-11")
    assert NOTE in page
    assert "責任 守" in page
    assert "署名する</button>" not in page
    assert 'href="/audit/months?month=2026-11"' not in told.page("2026-12")


def test_a_month_that_is_not_over_cannot_be_signed(told: Told) -> None:
    assert "まだ終わっていません" in told.page("2026-12")
    assert told.w.form("officer", "/audit/months/sign", month="2026-12", note=NOTE).status_code == 400


def test_a_note_that_is_too_short_is_asked_for_again_and_not_lost(told: Told) -> None:
    answer = told.w.form("officer", "/audit/months/sign", month="2026-11", note="見た")
    assert answer.status_code == 422
    assert ">見た</textarea>" in answer.text


@pytest.mark.parametrize("month", ["2027-01", "11", "2026-13", "x"])
def test_a_month_that_is_none_is_refused(told: Told, month: str) -> None:
    assert told.w.get("officer", f"/audit/months?month={month}").status_code == 400


def test_it_is_for_officers_alone(told: Told) -> None:
    told.w.sign_in("doctor")
    assert told.w.get("doctor", "/audit/months").status_code == 403
    assert told.w.form("doctor", "/audit/months/sign", month="2026-11", note=NOTE).status_code == 403
