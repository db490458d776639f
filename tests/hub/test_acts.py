"""What the hub itself does is in the log too: who got in and who did not, starts and stops, tokens, reviews; each with a leaf and a proof."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.assemble import assemble
from hub.clock import milliseconds
from hub.log.event import open_event
from hub.log.proof_file import judge
from hub.tables import acts, decisions
from schemas import events
from schemas.errors import BadValue, Broken, Denied, MissingValue
from schemas.sign_in_events import PASSKEYS_REVOKED
from tests.hub.audited import found
from tests.hub.world import HOSPITAL, NETWORK, NOW, OFFICE, World, a_patient, database_of, register, world
from tests.postgres import cluster


class Clocked:
    def __init__(self, w: World, clock: list[Any]) -> None:
        self.w, self.clock = w, clock

    def after(self, seconds: float) -> None:
        self.clock[0] += timedelta(seconds=seconds)


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Clocked]:
    clock = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        yield Clocked(w, clock)


def topics(w: World) -> Counter[str]:
    with w.hub.store.read() as tx:
        return Counter(e.topic for e in w.hub.store.events(tx, 0, 10_000))


def bodies(w: World, topic: str) -> list[Any]:
    import msgspec

    from hub.tables.all import struct_of

    with w.hub.store.read() as tx:
        kept = [e for e in w.hub.store.events(tx, 0, 10_000) if e.topic == topic]
    return [msgspec.json.decode(open_event(w.hub.keys, e), type=struct_of(topic)) for e in kept]


# ── who gets in ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sign_in_and_a_sign_out_are_recorded_with_who_and_from_where(hub_world: World) -> None:
    hub_world.sign_in("doctor")
    assert hub_world.form("doctor", "/sign-out").status_code == 303
    (came,), (left,) = bodies(hub_world, events.SIGNED_IN), bodies(hub_world, events.SIGNED_OUT)
    assert (came.user, came.organization, came.role, came.door) == ("doctor", HOSPITAL, "doctor", "link")
    assert came.address == "127.0.0.1"
    assert left.user == "doctor"
    assert [e["subtype"][0]["code"] for e in found(hub_world, "&type=110114&agent=doctor")] == ["110123", "110122"]


def test_a_copy_of_the_cookie_opens_nothing_once_its_user_has_signed_out(hub_world: World) -> None:
    hub_world.sign_in("doctor")
    copied = hub_world.cookies["doctor"]
    hub_world.sign_in("doctor")
    hub_world.cookies["another sign-in"] = hub_world.cookies["doctor"]
    hub_world.cookies["doctor"] = hub_world.cookies["copy"] = copied
    assert hub_world.get("copy", "/board").status_code == 200
    assert hub_world.form("doctor", "/sign-out").status_code == 303
    assert hub_world.get("copy", "/board").headers.get("location", "").startswith("/sign-in")
    assert hub_world.get("another sign-in", "/board").status_code == 200, "only the one that ended"


@pytest.mark.parametrize("path", ["/emergency/find", "/emergency/open", "/sign-out", "/confirmations", "/consents/find", "/links"])
def test_a_body_that_was_on_its_way_when_the_session_ended_does_nothing(hub_world: World, path: str) -> None:
    hub_world.sign_in("doctor")
    hub_world.cookies["copy"] = hub_world.cookies["doctor"]
    csrf, before = hub_world.secret("doctor"), topics(hub_world)

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"patient":"Patient/p1",' if path == "/confirmations" else b"by=number&"
        await asyncio.to_thread(hub_world.hub.passkeys.revoke, "doctor", None)
        yield f'"csrf":"{csrf}"}}'.encode() if path == "/confirmations" else f"csrf={csrf}".encode()

    answer = hub_world.ask("POST", path, by="copy", content=slowly())
    assert answer.status_code in {303, 401}, answer.text
    assert answer.headers.get("location", "/sign-in") == "/sign-in"
    assert topics(hub_world) - before == {PASSKEYS_REVOKED: 1}


def test_letters_that_no_cookie_and_no_secret_of_ours_has_are_nobodys(hub_world: World) -> None:
    for path, status in (("/livez", 200), ("/sign-in", 200), ("/", 303), ("/fhir/Patient", 401)):
        assert hub_world.get("", path, headers={"Cookie": "tsunagu=a.é".encode("latin-1")}).status_code == status
    hub_world.sign_in("doctor")
    assert hub_world.ask("POST", "/emergency/find", by="doctor", data={"csrf": "花子"}).status_code == 403
    assert hub_world.ask("POST", "/confirmations", by="doctor", json={"csrf": "花子"}).status_code == 403


def test_a_text_that_no_database_takes_is_nobodys_name_and_no_fault_of_the_hub(tmp_path: Path) -> None:
    with world(tmp_path / "data", database=cluster().new()) as w:
        for user in ("doctor", "officer"):
            w.sign_in(user)
        assert w.form("doctor", "/emergency/close", session="a\0b").status_code == 404
        assert w.form("officer", "/audit/disasters/end", switch="a\0b").status_code == 404
        assert w.get("officer", "/audit/why/a%00b").status_code == 404
        assert w.get("officer", "/audit/breaches.json?session=a%00b&user=a%00b").status_code < 500


def test_a_session_is_not_given_out_before_its_sign_in_is_recorded(hub_world: World) -> None:
    hub_world.hub.writer.close()
    answer = hub_world.get("", f"/sign-in/{hub_world.app.state.sessions.link('doctor')}")
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers


def test_of_somebody_unknown_nothing_that_was_typed_is_kept(hub_world: World) -> None:
    assert hub_world.get("", "/sign-in/yamada-hanako-1938").status_code == 410
    assert hub_world.get("", "/fhir/Patient", headers={"Authorization": "Bearer yamada-hanako-1938"}).status_code == 401
    hub_world.hub.writer.work(lambda _: None).result()
    refused = sorted(bodies(hub_world, events.SIGN_IN_REFUSED), key=lambda b: b.door)
    assert [(b.door, b.count, b.organization) for b in refused] == [("link", 1, ""), ("token", 1, "")]
    assert "yamada" not in str(refused)


def test_a_thousand_wrong_tokens_of_one_minute_are_two_events(clocked: Clocked) -> None:
    w = clocked.w
    for _ in range(1_000):
        w.hub.acts.refused("token")
    clocked.after(61)
    w.hub.acts.flush()
    settle(w, events.SIGN_IN_REFUSED, 2)
    assert [b.count for b in bodies(w, events.SIGN_IN_REFUSED)] == [1, 999]
    assert topics(w)[events.SIGN_IN_REFUSED] == 2
    alert = found(w, "&subtype=repeated-sign-in-failure")
    assert len(alert) == 1


def settle(w: World, topic: str, count: int) -> None:
    """Wait for what was handed to the writer without waiting."""
    w.hub.writer.work(lambda _: None).result()
    assert topics(w)[topic] == count


def test_each_minute_each_way_in_and_each_organization_is_counted_by_itself(clocked: Clocked) -> None:
    w = clocked.w
    for _ in range(3):
        for door, organization in (("token", ""), ("link", HOSPITAL), ("link", OFFICE)):
            w.hub.acts.refused(door, organization)
    clocked.after(60)
    for door in ("token", "link"):
        w.hub.acts.refused(door)
    w.hub.acts.flush(late=True)
    w.hub.writer.work(lambda _: None).result()
    told = Counter()
    for b in bodies(w, events.SIGN_IN_REFUSED):
        told[b.door, b.organization] += b.count
    assert told == {("token", ""): 4, ("link", HOSPITAL): 3, ("link", OFFICE): 3, ("link", ""): 1}
    assert topics(w)[events.SIGN_IN_REFUSED] == 2 * 3 + 2


def test_counts_are_not_lost_where_many_fail_at_once(clocked: Clocked) -> None:
    w = clocked.w
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: w.hub.acts.refused("link"), range(400)))
    w.hub.acts.flush(late=True)
    w.hub.writer.work(lambda _: None).result()
    assert sum(b.count for b in bodies(w, events.SIGN_IN_REFUSED)) == 400


def test_what_could_not_be_recorded_is_counted_on(clocked: Clocked) -> None:
    from tests.hub.test_gate import a_full_disk

    w = clocked.w
    if w.hub.store.engine != "sqlite":
        pytest.skip("the disk is the server's")
    w.hub.acts.refused("token")
    w.hub.writer.work(lambda _: None).result()
    clocked.after(61)
    with a_full_disk():
        w.hub.acts.refused("token")
        w.hub.acts.refused("token")
        clocked.after(61)
        w.hub.acts.flush()
        with suppress(Exception):
            w.hub.writer.work(lambda tx: tx.run("DELETE FROM standing")).result()
    clocked.after(61)
    w.hub.acts.flush(late=True)
    w.hub.writer.work(lambda _: None).result()
    assert sum(b.count for b in bodies(w, events.SIGN_IN_REFUSED)) == 3


# ── the hub itself, tokens, reviews ──────────────────────────────────────────────────────────────────────────────────


def test_a_start_and_a_stop_name_the_program_and_the_editions(hub_world: World) -> None:
    hub_world.hub.acts.started()
    hub_world.hub.acts.stopped()
    (started,), (stopped,) = bodies(hub_world, events.HUB_STARTED), bodies(hub_world, events.HUB_STOPPED)
    assert started == stopped
    assert started.region == "2026-11-01"
    assert started.network == hub_world.hub.gate.network.version
    assert started.engine == hub_world.hub.store.engine
    assert [e["subtype"][0]["code"] for e in found(hub_world, "&subtype=110120,110134,110121,110133")] == [
        "110121",
        "110133",
        "110120",
        "110134",
    ]


def test_tokens_are_recorded_by_whom_they_are_for_and_never_themselves(hub_world: World) -> None:
    hub_world.hub.acts.token(HOSPITAL, OFFICE, issued=True, by="officer")
    hub_world.hub.acts.token(HOSPITAL, issued=False)
    made = found(hub_world, "&subtype=110137")
    assert [sorted(d["valueString"] for e in m["entity"] for d in e["detail"] if d["type"] == "organization") for m in made] == [
        [HOSPITAL], sorted([HOSPITAL, OFFICE]),
    ]  # fmt: skip
    assert not [m for m in made if any(t in str(m) for t in hub_world.tokens.values())]


def asking(w: World, user: str = "officer", organization: str = NETWORK, role: str = "privacy-officer") -> Any:
    from consent.ask import Requester
    from hub.commands import Asking

    return Asking(Requester(organization, w.hub.region.kind_of(organization), role, user), "HCOMPL", "req", "audit")


def test_the_officer_signs_for_a_period_that_is_over_and_how_much_lay_in_it(clocked: Clocked) -> None:
    w = clocked.w
    w.put(HOSPITAL, a_patient())
    w.get(HOSPITAL, "/fhir/Patient/p1")
    with w.hub.store.read() as tx:
        lay = decisions.count(tx, decisions.Filter())
    clocked.after(86_400)
    w.get(HOSPITAL, "/fhir/Patient/p1")
    assert w.hub.acts.reviewed(asking(w), "2026-11-01", "2026-11-24", "気になる閲覧はありませんでした") == lay
    (body,) = bodies(w, events.ACCESS_REVIEWED)
    assert (body.since, body.until, body.decisions, body.by) == ("2026-11-01", "2026-11-24", lay, "officer")
    (made,) = found(w, "&subtype=access-review")
    assert "気になる" not in str(made)
    with w.hub.store.read() as tx:
        (row,) = acts.search(tx, acts.Filter(topics=(events.ACCESS_REVIEWED,)), limit=5)
    assert row.user == "officer"


def test_a_month_is_due_until_each_of_its_days_is_signed_for(tmp_path: Path) -> None:
    clock = [datetime(2026, 10, 20, 1, 0, tzinfo=UTC)]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        assert w.hub.reviews.due(asking(w)) == ()
        w.put(HOSPITAL, a_patient())
        assert w.hub.reviews.due(asking(w)) == ()  # October is not over
        clock[0] = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)  # midnight in Japan
        months = ((date(2026, 10, 1), date(2026, 10, 31)), (date(2026, 11, 1), date(2026, 11, 30)))
        assert w.hub.reviews.due(asking(w)) == months
        w.hub.acts.reviewed(asking(w), "2026-10-20", "2026-11-29", "気になる閲覧はありませんでした")
        assert w.hub.reviews.due(asking(w)) == months[1:]
        w.hub.acts.reviewed(asking(w), "2026-11-30", "2026-11-30", "一件、本人に確かめました。正当")
        assert w.hub.reviews.due(asking(w)) == ()
        assert [(r.since, r.until, r.by) for r in w.hub.reviews.listed(asking(w))] == [
            (date(2026, 11, 30), date(2026, 11, 30), "officer"), (date(2026, 10, 20), date(2026, 11, 29), "officer"),
        ]  # fmt: skip
        assert w.hub.reviews.listed(asking(w))[0].note == "一件、本人に確かめました。正当"
        with pytest.raises(Denied):
            w.hub.reviews.due(asking(w, "doctor", HOSPITAL, "doctor"))


def test_a_review_that_is_none_is_refused(clocked: Clocked) -> None:
    w, note = clocked.w, "気になる閲覧はありませんでした"
    for since, until in (("2026-11-24", "2026-11-24"), ("2026-11-20", "2026-11-19"), ("x", "2026-11-19"), ("2026-11-01", "2027-01-01")):
        with pytest.raises(BadValue, match="HUB-5174"):
            w.hub.acts.reviewed(asking(w), since, until, note)
    with pytest.raises(MissingValue, match="HUB-5175"):
        w.hub.acts.reviewed(asking(w), "2026-10-01", "2026-10-31", "見た")
    for who in (asking(w, ""), asking(w, "clerk", NETWORK, "clerk"), asking(w, "doctor", HOSPITAL, "privacy-officer")):
        with pytest.raises(Denied, match="HUB-5043"):
            w.hub.acts.reviewed(who, "2026-10-01", "2026-10-31", note)
    assert topics(w)[events.ACCESS_REVIEWED] == 0


# ── proof ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_kind_of_record_has_a_leaf_and_its_proof_holds(hub_world: World) -> None:
    w = hub_world
    w.put(HOSPITAL, a_patient())
    w.get(HOSPITAL, "/fhir/Patient/p1")
    w.hub.acts.started()
    w.sign_in("officer")
    w.form("officer", "/sign-out")
    w.sign_in("officer")
    w.hub.acts.refused("token")
    w.hub.acts.token(HOSPITAL, issued=True)
    w.hub.acts.token(HOSPITAL, issued=False)
    w.hub.acts.resumed(milliseconds(NOW), "HUB-5103")
    w.hub.acts.reviewed(asking(w), "2026-10-01", "2026-10-31", "気になる閲覧はありませんでした")
    w.hub.acts.stopped()
    w.hub.checkpoints.sign_now()
    proved = set()
    with w.hub.store.read() as tx:
        kept = w.hub.store.events(tx, 0, 10_000)
    for event in kept:
        named = f"reference={acts.name_of(event.header.event)}" if event.topic in acts.TOPICS else f"index={event.position - 1}"
        text = w.get("officer", f"/log/proof/inclusion?{named}").text
        found_at = judge(text, keys=[w.hub.checkpoints.verifier])
        assert found_at is not None, text
        assert found_at.index == event.position - 1
        lines = text.splitlines()
        broken = "\n".join(_flipped(line) if i == len(lines) - 1 else line for i, line in enumerate(lines)) + "\n"
        assert judge(broken, keys=[w.hub.checkpoints.verifier]) is None
        proved.add(event.topic)
    assert proved >= {
        events.ACCESS_DECIDED, events.HUB_STARTED, events.HUB_STOPPED, events.AUDIT_RESUMED, events.SIGNED_IN, events.SIGNED_OUT,
        events.SIGN_IN_REFUSED, events.TOKEN_ISSUED, events.TOKEN_REVOKED, events.ACCESS_REVIEWED,
    }  # fmt: skip


def _flipped(line: str) -> str:
    """Change one bit of the last line: a signature, or what it stands on."""
    head, _, tail = line.rpartition(" ")
    try:
        raw = bytearray(base64.b64decode(tail))
    except ValueError:
        return line + "x"
    if raw:
        raw[-1] ^= 1
    return f"{head} {base64.b64encode(raw).decode()}"


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clock_that_was_set_back_keeps_the_hub_from_starting(tmp_path: Path) -> None:
    folder, ahead = tmp_path / "data", timedelta(seconds=60)
    with world(folder) as w:
        w.put(HOSPITAL, a_patient())

    def again(behind: timedelta) -> None:
        hub = assemble(
            data=folder, region=register(), base="http://hub.test", adapters=(), now=lambda: NOW - behind, followers=False,
            database=database_of(folder), ahead=ahead,
        )  # fmt: skip
        hub.close()

    again(timedelta(0))
    again(ahead)
    with pytest.raises(Broken, match="HUB-5172") as refused:
        again(ahead + timedelta(milliseconds=1_000))
    assert refused.value.issues[0].words == {"behind": "61"}
    again(timedelta(0))  # nothing was held on to


# ── erasure ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_broke_the_glass_is_found_after_the_person_was_erased_and_a_replay_knows_it_too(tmp_path: Path) -> None:
    import msgspec
    import orjson

    from hub.names import hub_id
    from hub.tables import resources
    from hub.writes.events import append, event
    from schemas.emergency_events import EMERGENCY_OPENED, Opened
    from tests.hub.test_replay import replayed

    folder = tmp_path / "data"
    with world(folder) as w:
        w.put(HOSPITAL, a_patient())
        with w.hub.store.read() as tx:
            (row,) = resources.own(tx, HOSPITAL, "Patient")
        at = milliseconds(NOW)
        body = Opened("S2", HOSPITAL, "hospital", "doctor", "doctor", "救急搬送。反応が弱い。", True, 1, at, at + 1_000)
        made = event(
            topic=EMERGENCY_OPENED, kind="EmergencyAccess", body=body, key=w.hub.keys.of(row.patient, "main"), custodian=HOSPITAL,
            patient=row.patient, secrets=w.hub.secrets, at=NOW,
        )  # fmt: skip
        append(w.hub.writer, lambda: made)
        before = found(w, "&subtype=110127&agent=doctor")
        assert [c["coding"][0]["code"] for c in before[0]["purposeOfEvent"]] == ["BTG"]
        for do, reason in (("restrict", "ご本人の求め"), ("now", "ご本人の強い求めによる")):
            sent = {"do": do, "person": f"Patient/{hub_id(row.patient)}", "basis": "JP-35-5", "reason": reason}
            assert w.ask("POST", "/erasures", by=NETWORK, content=orjson.dumps(sent)).status_code < 300
        assert w.hub.keys.ids(row.patient, "main") == ()
        (after,) = found(w, "&subtype=110127&agent=doctor")
        assert after["id"] == before[0]["id"]
        assert "救急搬送" not in msgspec.json.encode(after).decode()
    assert replayed(folder).differing == {}
