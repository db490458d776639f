"""What the benchmarks send is what they say they send."""

import math

import orjson

from schemas.fhir.bundle import read_bundle
from tests.bench.figures import Figure, against, line, percentile
from tests.bench.load import bundle


def test_a_transaction_holds_fifty_resources_of_one_patient_under_new_ids():
    entries = read_bundle(bundle("a")).entries
    names = {f"{e.body.type}/{e.body.id}" for e in entries}
    assert len(names) == len(entries) == 50
    assert {e.method for e in entries} == {"PUT"}
    (patient,) = (e.body.id for e in entries if e.body.type == "Patient")
    subjects = {e.body.value["subject"]["reference"] for e in entries if "subject" in e.body.value}
    assert subjects == {f"Patient/{patient}"}


def test_its_size_is_about_95_kilobytes():
    assert 90_000 < len(bundle("a")) < 100_000


def test_two_transactions_share_no_id():
    first, second = ({e["resource"]["id"] for e in orjson.loads(bundle(seed))["entry"]} for seed in "ab")
    assert first.isdisjoint(second)


def test_a_figure_is_five_words_in_one_line():
    assert line(against("view.board", 250.0, "ms", "open-and-parse", 50.0)).split() == [
        "view.board",
        "250.0",
        "ms",
        "5.00",
        "open-and-parse:50.00",
    ]
    assert line(Figure("ingest.synthea.c1", math.nan, "Bundles/s", math.nan, "skipped")).split() == [
        "ingest.synthea.c1",
        "-",
        "Bundles/s",
        "-",
        "skipped",
    ]


def test_a_percentile_is_the_nearest_rank():
    assert percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert percentile(list(range(1, 101)), 0.99) == 99
