"""A withdrawal by the person, or by the network's clerk, of what another organization recorded: it reaches just that, and outlives a link."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.names import hub_id
from tests.hub.web.test_consent_desk import found
from tests.hub.web.test_person_pages import region, visible
from tests.hub.world import HOSPITAL, NETWORK, OTHER_HOSPITAL, OTHER_OFFICE, STATION, World, a_consent, a_patient, an_encounter, world


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    """Four records of one person, and a stay at the first."""
    with world(tmp_path / "data", region=region()) as made:
        made.put(HOSPITAL, a_patient())
        made.put(HOSPITAL, an_encounter())
        for custodian in (OTHER_HOSPITAL, STATION, OTHER_OFFICE):
            made.put(custodian, a_patient())
        for user in ("hanako", "clerk"):
            made.sign_in(user)
        yield made


def by_the_person(w: World) -> None:
    page = w.get("hanako", "/me").text
    (reference,) = re.findall(r"/me/consents/([a-z2-7]+)/withdraw", page)
    secret = re.search(r'name="csrf" value="([^"]+)"', page)
    assert secret is not None
    assert w.ask("POST", f"/me/consents/{reference}/withdraw", by="hanako", data={"csrf": secret[1], "sure": "yes"}).status_code == 200


def by_the_clerk(w: World) -> None:
    place, *_ = found(w, "clerk")
    (reference,) = re.findall(re.escape(place) + "/([a-z2-7]+)/one", w.get("clerk", place).text)
    assert w.form("clerk", f"{place}/{reference}/withdraw", sure="yes").status_code == 303


def test_what_names_no_organization_speaks_for_who_recorded_it_and_is_withdrawn_for_them(w: World) -> None:
    tree = a_consent()
    del tree["organization"]
    w.put(HOSPITAL, tree)
    assert visible(w)
    by_the_person(w)
    assert not visible(w)


@pytest.mark.parametrize("who", [by_the_person, by_the_clerk])
def test_a_withdrawal_holds_when_the_records_are_parted_again(w: World, who: Callable[[World], None]) -> None:
    w.put(HOSPITAL, a_consent())
    assert visible(w)
    who(w)
    assert not visible(w)
    with w.hub.store.read() as tx:
        rows = tx.all("SELECT stream, custodian FROM resources WHERE type=?", ("Patient",))
    (stay,) = (hub_id(bytes(stream)) for stream, custodian in rows if custodian == HOSPITAL)
    for other in (hub_id(bytes(stream)) for stream, custodian in rows if custodian != HOSPITAL):
        parted = {"first": f"Patient/{stay}", "second": f"Patient/{other}", "reason": "別の人でした"}
        assert w.ask("POST", "/links/undo", by=NETWORK, json=parted).status_code in {200, 204}
    assert not visible(w)
