"""A representative's consent, and whether the person can decide alone (consent-and-audit facts §1.9)."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from consent.capacity import Capacity, regained, unable
from consent.decide import decide
from consent.directive import Rule
from consent.times import midnight, months_later, tokyo_day
from tests.consent.given import T0, ask, deny, directive, network, record

N0 = network("N0")
WITH_FAMILY = replace(N0, proxy_kinds=N0.proxy_kinds | {"family"})
LOST = datetime(2026, 1, 10, 3, 0, tzinfo=UTC)


def found(state, at, review=None):
    return Capacity(state, "P1", at, review)


UNABLE = found("incapable", LOST, date(2026, 12, 31))
GUARDIAN = directive(proxy="guardian", proxy_verified=True)
FAMILY = directive(proxy="family", proxy_verified=True, proxy_until=datetime(2027, 6, 1, tzinfo=UTC), at=datetime(2026, 2, 1, tzinfo=UTC))


def reason(held, capacity, at=T0, rules=WITH_FAMILY):
    return decide(ask(at=at), record("o1"), held, rules, capacity).reason


def again(at):
    return [UNABLE, found("capable", at)]


def test_a_guardian_speaks_without_any_finding_and_while_the_person_cannot():
    assert reason([GUARDIAN], ()) == "P-EXPLICIT"
    assert reason([GUARDIAN], [UNABLE]) == "P-EXPLICIT"


def test_once_the_person_can_decide_again_a_guardians_consent_stays_for_thirty_days():
    back = datetime.fromisoformat("2026-04-01T14:00:00+09:00")
    assert reason([GUARDIAN], again(back), datetime.fromisoformat("2026-05-01T23:59:59+09:00")) == "P-EXPLICIT"
    assert reason([GUARDIAN], again(back), datetime.fromisoformat("2026-05-02T00:00:00+09:00")) == "D-NOTCOVERED"
    assert (
        reason([GUARDIAN, directive(consent="Consent/tsu-own", at=back)], again(back), datetime.fromisoformat("2026-05-02T00:00:00+09:00"))
        == "P-EXPLICIT"
    )


def test_nothing_that_a_guardian_signs_since_counts():
    back = datetime(2026, 4, 1, tzinfo=UTC)
    assert reason([replace(GUARDIAN, at=back)], again(back)) == "D-NOTCOVERED"


def test_an_agent_speaks_by_the_persons_own_mandate():
    agent = directive(proxy="agent", proxy_verified=True)
    assert reason([agent], again(datetime(2026, 1, 20, tzinfo=UTC))) == "P-EXPLICIT"


def test_what_a_representative_refused_holds_until_the_person_says_otherwise():
    refused = deny(proxy="guardian", proxy_verified=True)
    own = directive(consent="Consent/tsu-own")
    assert reason([own, refused], again(datetime(2026, 1, 20, tzinfo=UTC))) == "D-CONFLICT"


def test_family_is_heard_only_where_the_network_says_so_and_the_person_is_found_unable():
    assert reason([FAMILY], [UNABLE]) == "P-EXPLICIT"
    assert reason([FAMILY], [UNABLE], rules=N0) == "D-NOCONSENT"
    assert reason([FAMILY], ()) == "D-NOTCOVERED"
    assert reason([replace(FAMILY, proxy_verified=False)], [UNABLE]) == "D-NOCONSENT"


def test_family_without_a_day_of_review_is_not_heard():
    assert reason([replace(FAMILY, proxy_until=None)], [UNABLE]) == "D-NOTCOVERED"
    assert reason([FAMILY], [replace(UNABLE, review_at=None)]) == "D-NOTCOVERED"


@pytest.mark.parametrize(("at", "code"), [("2026-12-31T23:59:59+09:00", "P-EXPLICIT"), ("2027-01-01T00:00:00+09:00", "D-NOTCOVERED")])
def test_a_finding_holds_through_its_day_of_review(at, code):
    assert reason([FAMILY], [UNABLE], datetime.fromisoformat(at)) == code


@pytest.mark.parametrize(("at", "code"), [("2027-01-10T23:59:59+09:00", "P-EXPLICIT"), ("2027-01-11T00:00:00+09:00", "D-NOTCOVERED")])
def test_a_finding_holds_for_twelve_months_at_most(at, code):
    assert reason([FAMILY], [replace(UNABLE, review_at=date(2030, 1, 1))], datetime.fromisoformat(at)) == code


@pytest.mark.parametrize(("at", "code"), [("2027-02-01T23:59:59+09:00", "P-EXPLICIT"), ("2027-02-02T00:00:00+09:00", "D-NOTCOVERED")])
def test_a_family_members_consent_holds_for_twelve_months_at_most(at, code):
    later = found("incapable", datetime(2026, 12, 1, tzinfo=UTC), date(2027, 11, 30))
    assert reason([FAMILY], [UNABLE, later], datetime.fromisoformat(at)) == code


def test_the_persons_own_later_consent_takes_the_place_of_the_familys():
    refused = replace(FAMILY, consent="Consent/tsu-family", root=Rule("deny"))
    own = directive(consent="Consent/tsu-own", at=datetime(2026, 3, 1, tzinfo=UTC))
    assert reason([refused, own], [UNABLE]) == "P-EXPLICIT"
    assert reason([refused, replace(own, at=datetime(2026, 1, 1, tzinfo=UTC))], [UNABLE]) == "D-CONFLICT"


def test_family_stays_usable_for_the_days_after_the_person_can_decide_again():
    assert reason([FAMILY], again(datetime(2026, 4, 1, tzinfo=UTC))) == "P-EXPLICIT"


def test_a_finding_of_tomorrow_says_nothing_today():
    assert not unable([UNABLE], N0, LOST.replace(day=9))
    assert regained(again(datetime(2026, 4, 1, tzinfo=UTC)), datetime(2026, 3, 31, tzinfo=UTC)) is None


def test_of_two_findings_at_one_moment_the_person_can_decide():
    both = [UNABLE, found("capable", LOST)]
    assert not unable(both, N0, T0)
    assert regained(both, T0) == LOST
    assert regained([found("capable", LOST)], T0) is None


def test_months_are_counted_by_the_calendar():
    assert months_later(date(2027, 2, 28), 12) == date(2028, 2, 28)
    assert months_later(date(2028, 2, 29), 12) == date(2029, 2, 28)
    assert months_later(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert tokyo_day(midnight(date(2026, 4, 1))) == date(2026, 4, 1)
