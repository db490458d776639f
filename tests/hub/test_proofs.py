"""Heads, proofs and raw entries over HTTP: for the network's office and registered witnesses, each look recorded, all checked without the hub."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.log import exported
from hub.log.merkle import EMPTY, consistent, leaf
from hub.log.notes import Note, cosignatures, verify
from hub.log.proof_file import judge
from hub.log.verify import Event, Head, check
from hub.log.witnesses import Witness
from schemas.events import ACCESS_DECIDED, RESOURCE_RECORDED
from tests.hub.test_audit import events, lived
from tests.hub.watching import TIME, filled, line_of, verifier_of, watched
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, STATION, World, an_encounter

DOORS = ("/log/checkpoint", "/log/proof/inclusion?index=0", "/log/proof/consistency?from=1", "/log/entries")


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    """A hub whose log STATION and OFFICE watch, and which has lived a little and signed a head."""
    witnesses = [Witness(verifier_of(1), organization=STATION), Witness(verifier_of(2), organization=OFFICE)]
    with watched(tmp_path / "data", witnesses) as made:
        lived(made)
        made.hub.checkpoints.sign_now()
        yield made


def key(w: World) -> str:
    return w.hub.checkpoints.verifier


def looks(w: World) -> int:
    with w.hub.store.read() as tx:
        return int(tx.one("SELECT count(*) FROM decisions WHERE action='audit'")[0])


def signed(w: World) -> str:
    w.hub.checkpoints.sign_now()
    return w.get(STATION, "/log/checkpoint").text


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_but_the_office_and_witnesses_learns_how_long_the_log_is(w: World) -> None:
    for user in ("doctor", "manager", "clerk", "officer"):
        w.sign_in(user)
    for path in DOORS:
        assert w.ask("GET", path).status_code == 401
        for other in (HOSPITAL, "doctor", "manager", "clerk"):
            refused = w.get(other, path)
            assert refused.status_code == 403
            assert "HUB-5043" in refused.text
        for officer in (NETWORK, "officer"):
            assert w.get(officer, path).status_code == 200


def test_a_witness_reads_heads_and_how_they_follow_and_no_entry(w: World) -> None:
    assert [w.get(STATION, path).status_code for path in DOORS] == [200, 403, 200, 403]
    assert w.get(HOSPITAL, DOORS[0]).status_code == 403


def test_every_look_of_the_office_is_recorded_and_no_look_of_a_witness_makes_the_log_grow(w: World) -> None:
    for path in DOORS:
        before = looks(w)
        w.get(NETWORK, path)
        assert looks(w) == before + 1
    before = looks(w)
    for path in DOORS:
        w.get(STATION, path)
    assert looks(w) == before


# ── proofs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_is_proved_by_its_reference_as_it_was_written(w: World) -> None:
    references = sorted({e["id"].rpartition("-")[0] for e in events(w) if not e["id"].startswith("act-")})
    assert references
    w.hub.checkpoints.sign_now()
    for reference in references:
        text = w.get(NETWORK, f"/log/proof/inclusion?reference={reference}").text
        proved = judge(text, keys=[key(w)])
        assert proved is not None
        with w.hub.store.read() as tx:
            (position,) = tx.one("SELECT position FROM decisions WHERE reference=?", (reference,))
            ((_, stream, version, topic, state),) = w.hub.store.raw(tx, position - 1, 1)
        assert proved.index == position - 1
        assert topic == ACCESS_DECIDED
        assert proved.entry == (
            position.to_bytes(8, "big") + stream + version.to_bytes(8, "big") + len(topic).to_bytes(2, "big") + topic.encode()
            + len(state).to_bytes(8, "big") + state
        )  # fmt: skip
    assert len(references) > 10


def test_a_recorded_resource_is_proved_by_the_id_of_its_event(w: World) -> None:
    with w.hub.store.read() as tx:
        ((event, position),) = tx.all("SELECT event, position FROM resources WHERE type=?", ("Encounter",))
    told = bytes(event).hex()
    dashed = "-".join((told[:8], told[8:12], told[12:16], told[16:20], told[20:]))
    for name in (told, dashed):
        proved = judge(w.get(NETWORK, f"/log/proof/inclusion?event={name}").text, keys=[key(w)])
        assert proved is not None
        assert proved.index == position - 1
        assert RESOURCE_RECORDED.encode() in proved.entry[:80]


def test_every_entry_is_proved_under_every_head_that_covers_it(w: World) -> None:
    sizes = []
    for number in range(3):
        w.put(HOSPITAL, an_encounter(f"n{number}"))
        sizes.append(int(signed(w).split("\n")[1]))
    for size in sizes:
        for index in range(0, size, 3):
            proved = judge(w.get(NETWORK, f"/log/proof/inclusion?index={index}&size={size}").text, keys=[key(w)])
            assert proved is not None
            assert (proved.index, proved.size) == (index, size)
    assert w.get(NETWORK, f"/log/proof/inclusion?index={sizes[0]}&size={sizes[0]}").status_code == 404
    assert w.get(NETWORK, f"/log/proof/inclusion?index=0&size={sizes[0] + 1}").status_code == 404


def test_a_proof_that_was_changed_anywhere_is_none(w: World) -> None:
    text = w.get(NETWORK, "/log/proof/inclusion?index=2").text
    assert judge(text, keys=[key(w)]) is not None
    lines = text.split("\n")
    for i, line in enumerate(lines[:-1]):
        for other in (line[:-1] + ("A" if line[-1:] != "A" else "B"), None):
            changed = "\n".join([*lines[:i], *([other] if other is not None else []), *lines[i + 1 :]])
            assert judge(changed, keys=[key(w)]) is None, line
    assert judge(text, keys=[verifier_of(1).text]) is None


def test_one_size_goes_on_from_another(w: World) -> None:
    first = w.get(STATION, "/log/checkpoint").text
    w.put(HOSPITAL, an_encounter("later"))
    second = signed(w)
    one, two = verify(first, key(w)), verify(second, key(w))
    assert one is not None
    assert two is not None
    assert one.size < two.size
    for old, root in ((one.size, one.root), (0, EMPTY), (two.size, two.root)):
        head, _, note = w.get(STATION, f"/log/proof/consistency?from={old}&to={two.size}").text.partition("\n\n")
        assert note == second
        said, *lines = head.split("\n")
        assert said == f"old {old}"
        assert consistent(old, two.size, root, two.root, [base64.b64decode(line) for line in lines])
    assert w.get(STATION, f"/log/proof/consistency?from={one.size}").text.endswith(second)
    assert w.get(STATION, f"/log/proof/consistency?from={two.size}&to={one.size}").status_code == 404
    assert w.get(STATION, f"/log/proof/consistency?from=1&to={two.size - 1}").status_code == 404


def test_what_is_no_number_is_refused_without_being_repeated(w: World) -> None:
    for path in (
        "/log/proof/inclusion?index=-1",
        "/log/proof/inclusion?index=１",
        "/log/proof/inclusion?index=1e3",
        "/log/proof/inclusion?event=zz",
        "/log/proof/inclusion?index=0&size=zzz",
        "/log/proof/consistency?from=zzz",
        "/log/proof/consistency",
        "/log/entries?from=0x10",
        "/log/entries?from=9999999999999999999",
    ):
        answer = w.get(NETWORK, path)
        assert answer.status_code == 400
        assert "HUB-5084" in answer.text
        assert "zz" not in answer.text


def test_what_is_not_there_is_not_proved(w: World) -> None:
    for query in ("reference=NONE-NONE", "event=" + "0" * 32, "", "index=100000"):
        assert w.get(NETWORK, f"/log/proof/inclusion?{query}").status_code == 404


def test_what_came_after_the_last_head_waits_for_the_next(w: World) -> None:
    w.put(HOSPITAL, an_encounter("later"))
    with w.hub.store.read() as tx:
        head = w.hub.store.head(tx)
    answer = w.get(NETWORK, f"/log/proof/inclusion?index={head - 1}")
    assert (answer.status_code, "HUB-5055" in answer.text) == (404, True)
    w.hub.checkpoints.sign_now()
    assert w.get(NETWORK, f"/log/proof/inclusion?index={head - 1}").status_code == 200


def test_no_proof_is_given_of_what_is_no_more_as_it_was_signed(w: World) -> None:
    with w.hub.store.write() as tx:
        ((_, _, _, _, state),) = w.hub.store.raw(tx, 2, 1)
        tx.run("UPDATE events SET state=? WHERE position=3", (state[:-1] + bytes((state[-1] ^ 1,)),))
    answers = [w.get(NETWORK, f"/log/proof/inclusion?index={index}") for index in (2, 3)]
    assert [a.status_code for a in answers] == [500, 200]
    assert "HUB-5080" in answers[0].text


# ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pages_of_entries_joined_are_the_signed_log(w: World) -> None:
    filled(w, 2_500)
    head = signed(w)
    pages, first = [], "0"
    while first:
        answer = w.get(NETWORK, f"/log/entries?from={first}&to={head.split(chr(10))[1]}")
        pages.append(answer.content)
        first = answer.headers.get("X-Next-From", "")
        if int(first or 0) >= int(head.split("\n")[1]):
            break
    size = int(head.split("\n")[1])
    joined = b"tsunagu-log 1\n" + b"".join(pages) + (9).to_bytes(4, "big") + b"Z" + size.to_bytes(8, "big")
    items = list(exported.read(io.BytesIO(joined)))
    found = check([*items, Head(size, head)], keys=[key(w)])
    assert (found.size, found.checkpoints, found.findings) == (size, 1, ())
    assert len(pages) == 3


def test_a_page_of_entries_ends_where_it_is_asked_to(w: World) -> None:
    page = w.get(NETWORK, "/log/entries?from=3&to=5")
    held = io.BytesIO(b"tsunagu-log 1\n" + page.content + (9).to_bytes(4, "big") + b"Z" + (2).to_bytes(8, "big"))
    found = [item for item in exported.read(held) if isinstance(item, Event)]
    assert [int.from_bytes(e.data[:8], "big") for e in found] == [4, 5]
    assert all(leaf(e.data) == e.leaf for e in found)
    assert page.headers["X-Next-From"] == "5"
    assert w.get(NETWORK, "/log/entries?from=100000").content == b""


# ── witnesses ────────────────────────────────────────────────────────────────────────────────────────────────────────


def post(w: World, note: str, by: str = STATION) -> tuple[int, str]:
    answer = w.ask("POST", "/log/cosignatures", by=by, content=note.encode())
    return answer.status_code, answer.text


def test_what_a_witness_signs_stands_under_the_head_wherever_it_is_published(w: World) -> None:
    head = signed(w)
    text = Note.parse(head).text
    status, answer = post(w, head + line_of(1, text))
    assert (status, answer) == (200, head + line_of(1, text))
    status, answer = post(w, head + line_of(2, text), by=OFFICE)
    both = head + line_of(1, text) + line_of(2, text)
    assert (status, answer) == (200, both)
    assert w.get(STATION, "/log/checkpoint").text == both
    folder = w.hub.checkpoints._folder
    assert (folder / "checkpoint.txt").read_text(encoding="utf-8") == both
    assert verify(both, key(w)) is not None
    assert cosignatures(both, verifier_of(2)) == [(TIME, line_of(2, text))]
    proved = judge(w.get(NETWORK, "/log/proof/inclusion?index=0").text, keys=[key(w)], witnesses=[verifier_of(n).text for n in (1, 2, 3)])
    assert proved is not None
    assert proved.witnesses == 2


def test_a_proof_is_given_under_a_head_that_a_witness_has_signed_where_there_is_one(w: World) -> None:
    w.put(HOSPITAL, an_encounter("n1"))
    witnessed = signed(w)
    w.put(HOSPITAL, an_encounter("n2"))
    signed(w)
    post(w, witnessed + line_of(1, Note.parse(witnessed).text))
    assert w.get(NETWORK, "/log/proof/inclusion?index=0").text.endswith(witnessed + line_of(1, Note.parse(witnessed).text))


def test_the_later_signature_of_a_witness_stands(w: World) -> None:
    head = signed(w)
    text = Note.parse(head).text
    for at in (TIME, TIME + 60, TIME - 60):
        assert post(w, head + line_of(1, text, at))[0] == 200
    assert w.get(STATION, "/log/checkpoint").text == head + line_of(1, text, TIME + 60)


def test_what_is_not_a_registered_witnesss_own_signature_is_not_taken(w: World) -> None:
    head = signed(w)
    text = Note.parse(head).text
    older = text.replace("\n" + text.split("\n")[1] + "\n", "\n1\n")
    false = line_of(1, older)
    for note, status, rule in (
        (head + line_of(3, text), 400, "HUB-5083"),
        (head, 400, "HUB-5083"),
        (head + false, 400, "HUB-5083"),
        (head + line_of(2, text) + false, 400, "HUB-5083"),
        (head + "— nothing\n", 404, "HUB-5082"),
        (older + "\n" + line_of(1, older), 404, "HUB-5082"),
        (line_of(1, text), 404, "HUB-5082"),
        ("", 404, "HUB-5082"),
    ):
        got, said = post(w, note)
        assert (got, rule in said) == (status, True), note
    assert w.get(STATION, "/log/checkpoint").text == head
    assert w.ask("POST", "/log/cosignatures", by=STATION, content=b"\xff").status_code == 400
    assert w.ask("POST", "/log/cosignatures", by=STATION, content=b"x" * 64_001).status_code == 413


def test_nobody_else_hands_signatures_in(w: World) -> None:
    head = signed(w)
    note = head + line_of(1, Note.parse(head).text)
    assert post(w, note, by=HOSPITAL)[0] == 403
    assert post(w, note, by="")[0] == 401
    assert w.get(STATION, "/log/checkpoint").text == head
    assert post(w, note, by=NETWORK)[0] == 200


def test_the_officers_page_saves_a_proof_that_holds(w: World) -> None:
    reference = events(w)[0]["id"].rpartition("-")[0]
    w.hub.checkpoints.sign_now()
    w.sign_in("officer")
    assert f"/audit/proof/{reference}" in w.get("officer", f"/audit?why={reference}").text
    saved = w.get("officer", f"/audit/proof/{reference}")
    assert saved.headers["Content-Disposition"] == 'attachment; filename="decision.tlog-proof"'
    assert judge(saved.text, keys=[key(w)]) is not None
