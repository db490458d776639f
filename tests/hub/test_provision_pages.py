"""The page of the records of provision, for officers and for who gave; its files; and the words of the law beside each line."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from consent.ask import Requester
from consent.tables import keyed
from hub.commands import Asking
from hub.reads import provisions as reading
from hub.reads.provisions import Asked
from hub.region import parse_region
from hub.tables import decisions, provisions
from hub.tables.provisions import Wanted
from hub.views import provision_words as said
from hub.views.parties import Parties, Party
from hub.views.provision_export import COLUMNS, Bulking, Naming, cells
from hub.web.exports import safe
from schemas.errors import Broken
from tests.hub.test_gate import admitted
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, OTHER_HOSPITAL, World, world

PLACE = "/audit/provisions"


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data") as made:
        made.sign_in("officer")
        stay = admitted(made)
        for code in (OTHER_HOSPITAL, OFFICE, OTHER_HOSPITAL):
            made.get(code, f"/fhir/{stay}")
        made.settle()
        yield made


def rows(w: World, by: str, query: str = "") -> list[dict[str, Any]]:
    answer = w.get(by, f"{PLACE}.ndjson{query}")
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines()]


def test_the_officer_sees_who_gave_whom_what_on_which_consent(w: World) -> None:
    page = w.get("officer", PLACE)
    assert page.status_code == 200
    for words in (
        "ひがし病院",
        "にし病院",
        "受診・入院・訪問 1",
        "同意 tsu-",
        "第1版",
        "第三者提供の記録（29条・30条）",
        "受け取る側がハブで見た（照会）",
    ):
        assert words in page.text
    assert "山田" not in page.text


def test_the_organization_that_gave_lists_what_it_gave_and_no_other(w: World) -> None:
    assert [x["receiver"] for x in rows(w, HOSPITAL)] == [OTHER_HOSPITAL, OFFICE, OTHER_HOSPITAL]
    assert [x["receiver"] for x in rows(w, HOSPITAL, "?patient=p1&receiver=" + OFFICE)] == [OFFICE]
    assert rows(w, HOSPITAL, "?patient=nobody") == []
    assert rows(w, OTHER_HOSPITAL, f"?custodian={HOSPITAL}") == []
    assert rows(w, OFFICE) == []


@pytest.mark.parametrize("user", ["doctor", "nurse", "manager", "clerk"])
def test_who_cares_or_keeps_the_office_does_not(w: World, user: str) -> None:
    w.sign_in(user)
    assert w.get(user, PLACE).status_code == 403
    assert w.get(user, f"{PLACE}.csv").status_code == 403


def test_the_export_has_both_halves_of_the_record(w: World) -> None:
    text = w.get("officer", f"{PLACE}.csv").content.decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    assert tuple(found[0]) == COLUMNS
    told = found[1]
    assert (told["giver"], told["giver_name"], told["receiver"], told["receiver_name"]) == (HOSPITAL, "ひがし病院", OFFICE, "あおば居宅")
    assert (told["items"], told["basis"], told["standing"], told["keep_until"]) == (
        "Encounter:1",
        "JP-CARE-WRITTEN",
        "record",
        "2031-11-24",
    )
    assert told["subject"].startswith("P-")
    assert told["at"] == "2026-11-24T10:00:00+09:00"


def test_lines_of_one_month_receiver_subject_and_ground_are_one_in_bulk(w: World) -> None:
    found = rows(w, "officer", "?bulk=yes")
    assert [(x["receiver"], x["items"], x["reference"].partition(" ")[2]) for x in found] == [
        (OTHER_HOSPITAL, "Encounter:2", "+1"),
        (OFFICE, "Encounter:1", ""),
    ]


def test_bulk_is_kept_from_its_last_line_on_and_ends_with_its_month() -> None:
    bulking = Bulking()
    line = dict.fromkeys(COLUMNS, "x") | {"items": "Condition:1", "keep_until": "2031-11-02", "at": "2026-11-02T09:00:00+09:00"}
    assert bulking.take(line) == []
    assert bulking.take({**line, "at": "2026-11-30T09:00:00+09:00", "keep_until": "2031-11-30", "items": "Condition:2 Flag:1"}) == []
    (done,) = bulking.take({**line, "at": "2026-12-01T09:00:00+09:00"})
    assert (done["items"], done["keep_until"], done["at"]) == (
        "Condition:3 Flag:1", "2031-11-30", "2026-11-02T09:00:00+09:00/2026-11-30T09:00:00+09:00",
    )  # fmt: skip
    assert [x["at"] for x in bulking.end()] == ["2026-12-01T09:00:00+09:00"]


def test_pages_go_on_and_a_cursor_of_another_opens_nothing(w: World) -> None:
    asking = Asking(Requester(NETWORK, "network", "privacy-officer", "officer"), "HCOMPL", "request", "audit")
    first = w.hub.provided.listed(asking, Asked(), size=2)
    rest = w.hub.provided.listed(asking, Asked(), first.next, size=2)
    assert [len(first.told), len(rest.told), rest.next] == [2, 1, ""]
    assert w.get(HOSPITAL, f"{PLACE}?below={first.next}").status_code in {303, 404}


@pytest.mark.parametrize("period", ["from=0001-01-01", "to=9999-12-31"])
def test_a_day_that_has_no_moment_is_refused_and_nothing_is_recorded_as_disclosed(w: World, period: str) -> None:
    for path in (PLACE, f"{PLACE}.csv", f"{PLACE}.ndjson"):
        assert w.get("officer", f"{path}?{period}").status_code == 400
    whom = {"kana": "やまだ はなこ", "birth": "1938-05-02"}
    (found,) = w.ask("POST", "/audit/persons.json", by=NETWORK, json=whom).json()["persons"]
    name, _, day = period.partition("=")
    assert w.form("officer", f"{PLACE}/disclosure", person=found["person"], form="json", **{name: day}).status_code == 400
    with w.hub.store.read() as tx:
        assert decisions.count(tx, decisions.Filter(reason="P-SUBJECT")) == 0


def test_a_look_at_the_lines_is_itself_recorded(w: World) -> None:
    with w.hub.store.read() as tx:
        before = decisions.count(tx, decisions.Filter(action="audit"))
    w.get("officer", PLACE)
    w.get(HOSPITAL, f"{PLACE}.csv")
    with w.hub.store.read() as tx:
        assert decisions.count(tx, decisions.Filter(action="audit")) == before + 2


@pytest.mark.parametrize("word", ["=1+1", "+81", "-5", "@SUM(A1)", "\tx", "\r"])
def test_no_cell_begins_as_a_formula(word: str) -> None:
    assert safe(word) == f"'{word}"


def test_a_cell_that_is_none_stays_as_it_is() -> None:
    assert safe("2026-11-24 = 1") == "2026-11-24 = 1"


# ── by law ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_basis_says_whether_a_record_is_owed_and_what_it_means() -> None:
    for basis in keyed("basis", "code"):
        assert said.standing(basis, "hospital", same=False) in {"record", "exception", "not-third", "subject"}
        assert said.plain(basis) != keyed("basis", "code")[basis]["ja"], basis


@pytest.mark.parametrize(
    ("basis", "kind", "same", "standing"),
    [
        ("JP-CONSENT", "hospital", False, "record"),
        ("JP-CONSENT", "city", False, "state"),
        ("JP-CONSENT", "hospital", True, "not-third"),
        ("JP-EMERG", "hospital", False, "exception"),
        ("JP-27-1-1-LAW", "public-health", False, "exception"),
        ("JP-27-5-ENTRUST", "hospital", False, "not-third"),
        ("JP-SUBJECT", "subject", False, "subject"),
        ("JP-UNHEARD-OF", "hospital", False, "record"),
    ],
)
def test_what_is_not_known_to_be_exempt_is_a_record(basis: str, kind: str, standing: str, *, same: bool) -> None:
    assert said.standing(basis, kind, same=same) == standing


@pytest.mark.parametrize(
    ("recorded", "last", "until"),
    [
        (date(2026, 11, 24), date(2026, 11, 24), date(2031, 11, 24)),
        (date(2026, 11, 24), date(2027, 3, 1), date(2032, 3, 1)),
        (date(2028, 2, 29), date(2028, 2, 29), date(2033, 3, 1)),
    ],
)
def test_a_record_is_kept_five_years_from_the_last_provision(recorded: date, last: date, until: date) -> None:
    assert said.keep_until(recorded, last) == until


def test_an_organization_is_named_as_it_was_called_on_that_day() -> None:
    parties = Parties({"1": [Party("いま病院"), Party("むかし医院", "旧住所", "旧院長", "2026-03-31")]})
    assert [parties.on("1", day).name for day in (date(2026, 3, 31), date(2026, 4, 1))] == ["むかし医院", "いま病院"]
    assert parties.on("2", date(2026, 4, 1)).name == "2"


@pytest.mark.parametrize("former", [{"name": "旧"}, {"until": "2026-03-31"}, {"name": "旧", "until": "3月末"}])
def test_a_register_whose_former_names_are_not_dated_is_refused(former: dict[str, str]) -> None:
    tree = {
        "name": "試験", "edition": "1", "network": NETWORK, "users": [],
        "organizations": [{"code": NETWORK, "name": "事務局", "kind": "network", "purpose": "HCOMPL", "former": [former]}],
    }  # fmt: skip
    with pytest.raises(Broken):
        parse_region(tree)


def test_an_export_takes_no_more_memory_for_more_lines(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times as many lines, in batches of two hundred; held at once they would take some megabytes."""
    monkeypatch.setattr(reading, "AT_ONCE", 200)
    asking = Asking(Requester(NETWORK, "network", "privacy-officer", "officer"), "HCOMPL", "request", "audit")
    naming = Naming(w.hub.region.parties, w.hub.provided.entities)
    with w.hub.store.read() as tx:
        (line,) = provisions.search(tx, Wanted(), limit=1)

    def peak(first: int, lines: int) -> int:
        w.hub.writer.work(lambda tx: provisions.add(tx, [line._replace(line=number) for number in range(first, first + lines)])).result()
        tracemalloc.start()
        try:
            rows = (cells(one.row, one.pseudonym, naming) for batch in w.hub.provided.every(asking, Asked()) for one in batch)
            assert sum(1 for _ in rows) >= lines
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1, 300)  # what is loaded once
    small = peak(301, 700)
    assert peak(1_001, 9_000) < 1.5 * small
