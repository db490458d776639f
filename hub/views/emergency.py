"""The 急変時 page: what an ER doctor with thirty seconds must know of one person, from what the gate released. Pure: no store, no clock.

Order and content: what must I not do, what did the person want and for which event, whom do I call now, what differs from the usual self.
Every line carries its age and its source; what two custodians tell differently stands side by side; unknown is never shown as none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub.views import emergency_drugs as drugs
from hub.views import emergency_life as life
from hub.views.emergency_alerts import alerts, devices
from hub.views.emergency_allergies import allergies
from hub.views.emergency_calls import call_list
from hub.views.emergency_read import shelve
from hub.views.emergency_shapes import Access, EmergencyPage
from hub.views.emergency_wishes import wishes
from hub.views.people import header
from hub.views.shapes import Known, Office
from hub.views.vitals import state


def build(
    person: str, known: Sequence[Known], access: Access, organizations: Mapping[str, Office], now: datetime, fresh: str
) -> EmergencyPage:
    """Make the page of `person` at `now` (aware). `organizations` are the region's offices by code. Never raises on odd resources."""
    shelf = shelve(known, now, organizations)
    head = header(shelf)
    allergic = allergies(shelf)
    taken = drugs.drugs(shelf)
    wanted, wished_differently = wishes(shelf)
    calling = call_list(shelf)
    signs = state(shelf, head.age, pregnant=life.pregnant(shelf))
    return EmergencyPage(
        person=person,
        name=head.name,
        kana=head.kana,
        age=head.age,
        sex=head.sex,
        birth=head.birth,
        address=head.address,
        alone=head.alone,
        care_level=head.care_level,
        deceased=head.deceased,
        access=access,
        alerts=alerts(shelf, allergic, taken),
        wishes=wanted,
        calls=calling.calls,
        no_one_to_call=calling.no_one,
        vitals=signs.vitals,
        consciousness=signs.consciousness,
        score=signs.score,
        problems=life.problems(shelf),
        drugs=drugs.lines(shelf, taken),
        allergies=allergic.lines,
        allergy_state=allergic.state,
        differing=head.differing + wished_differently + allergic.differing + drugs.differences(shelf, taken),
        devices=devices(shelf),
        usual_self=life.usual_self(shelf),
        home=life.home(shelf),
        visits=life.visits(shelf),
        next_visit=life.next_visit(shelf),
        matters=life.matters(shelf),
        now=shelf.now,
        fresh=fresh,
    )
