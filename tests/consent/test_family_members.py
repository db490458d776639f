"""Of whom a resource tells: only where every part of it says so."""

import pytest

from consent.family import members
from consent.redact import ABOUT_FAMILY

MARK = {"extension": [{"url": ABOUT_FAMILY, "valueBoolean": True}]}


def note(*, who="RelatedPerson/f1", **more):
    return {"text": "長男", **MARK, **({"authorReference": {"reference": who}} if who else {}), **more}


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("CarePlan", {"note": [note()]}, {"RelatedPerson/f1"}),
        ("CarePlan", {"note": [note(), note(who="RelatedPerson/f2")]}, {"RelatedPerson/f1", "RelatedPerson/f2"}),
        ("CarePlan", {"note": [note(), note(who="")]}, set()),
        ("CarePlan", {"note": [note(who="Practitioner/p")]}, set()),
        ("CarePlan", {"note": [note()], "activity": [{"detail": {"description": "見守り"}}]}, {"RelatedPerson/f1"}),
        ("CarePlan", {"addresses": note()}, {"RelatedPerson/f1"}),
        ("CarePlan", {"activity": [{"progress": [note()], "reference": {"reference": "Task/t"}}]}, {"RelatedPerson/f1"}),
        ("CarePlan", {"note": [note(also=[{"reference": "RelatedPerson/f3"}])]}, {"RelatedPerson/f1", "RelatedPerson/f3"}),
        ("CarePlan", {"note": [{"text": "本人"}]}, set()),
        ("Patient", {"contact": [{"name": {"text": "長女"}}]}, set()),
        ("FamilyMemberHistory", {"note": [note()]}, set()),
    ],
)
def test_the_members_of_whom_a_resource_tells(kind, body, found):
    assert members(kind, {"resourceType": kind, **body}) == found
