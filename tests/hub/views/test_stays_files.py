"""From the hospital's files on: what the adapter makes of them folds to the same stays in any order and number."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.hospital import adapter
from hub.views.ages import JST
from hub.views.shapes import Known
from hub.views.stays import fold, unplaced
from schemas.adapter import Wire

SENDER = "1319999999"


def message(event, structure, control, sent, *, admitted="", discharged="", to="", ward="03E^301^1^^^N"):
    """Write an ADT message of an invented person as SS-MIX2 stores it."""
    fields = ["PV1", "0001", "I", ward, *[""] * 42]
    fields[36], fields[44], fields[45] = to, admitted, discharged
    profile = "SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO"
    lines = [
        f"MSH|^~\\&|HIS|{SENDER}|GW|SSMIX2|{sent}||ADT^{event}^{structure}|{control}|P|2.5||||||~ISO IR87||ISO 2022-1994|{profile}",
        f"EVN||{sent}", "PID|0001||0000999001^^^^PI||試験^太郎^^^^^L^I~シケン^タロウ^^^^^L^P||19400101|M", "|".join(fields),
    ]  # fmt: skip
    return ("\r".join(lines) + "\r").encode("iso2022_jp")


FILES = (
    message("A01", "ADT_A01", "1", "20261125004500", admitted="202611250035"),
    message("A01", "ADT_A01", "2", "20261125010500", admitted="202611250040", ward="04E^^^^^N"),
    message("A03", "ADT_A03", "3", "20261127100500", discharged="20261127100000", to="01"),
    message("A13", "ADT_A01", "4", "20261127110500", admitted="202611250040", discharged="20261127100000"),
    message("A03", "ADT_A03", "5", "20261128100500", admitted="202611250040", discharged="20261128100000", to="02"),
    message("A01", "ADT_A01", "6", "20261202090500", admitted="202612020900"),
    message("A11", "ADT_A09", "7", "20261202093000", admitted="202612020900"),
)


def recorded(files):
    """Take files in this order: each Encounter becomes the next version of its stream."""
    found, versions = [], {}
    for n, data in enumerate(files):
        conversion = adapter.convert(Wire("file", data, SENDER))
        assert not conversion.refused
        for one in (draft for part in conversion.parts for draft in part.drafts if draft.type == "Encounter"):
            versions[one.key] = versions.get(one.key, 0) + 1
            at = datetime(2026, 12, 9, 8, 0, tzinfo=JST) + timedelta(minutes=n)
            found.append(Known("Encounter", one.key, versions[one.key], SENDER, "試験病院", at, one.body, one.facts))
    return found


def test_files_of_two_admissions_fold_to_a_discharge_and_a_retraction():
    first, second = fold(recorded(FILES), person="p-1")
    assert (first.status, first.admitted.start, first.ended.start) == (
        "discharged",
        datetime(2026, 11, 25, 0, 40, tzinfo=JST),
        datetime(2026, 11, 28, 10, 0, tzinfo=JST),
    )
    assert (first.disposition, first.ward) == ("hospital", "病棟 04E")
    assert (second.status, second.admitted.start) == ("cancelled", datetime(2026, 12, 2, 9, 0, tzinfo=JST))


@given(st.permutations(FILES), st.lists(st.sampled_from(FILES), max_size=3))
def test_the_same_files_in_any_order_and_twice_give_the_same_stays(order, again):
    delivered = recorded([*order, *again])
    assert fold(delivered, person="p-1") == fold(recorded(FILES), person="p-1")
    assert unplaced(delivered) == ()
