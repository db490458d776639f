"""`tsunagu erase` against a running hub: what it does, what it prints, and what it never prints."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson
import pytest

from hub.names import A_REFERENCE
from tests.hub.serving import Served, served
from tests.hub.test_cli import tsunagu
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, a_patient, an_encounter

REASON = "裁判所の命令（令和8年 第3号）"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("erase") / "data") as made:
        yield made


def registered(hub: Served) -> str:
    """Register somebody under an id that the hub gives; give the Patient's name."""
    tree = {k: v for k, v in a_patient(insured="").items() if k != "id"}
    with hub.client(HOSPITAL) as client:
        answer = client.post("/fhir/Patient", content=orjson.dumps(tree))
        assert answer.status_code == 201
        name = f"Patient/{answer.json()['id']}"
        stay = an_encounter(name[-8:], patient=name)
        assert client.put(f"/fhir/Encounter/{stay['id']}", content=orjson.dumps(stay)).status_code == 201
    return name


def read(hub: Served, name: str) -> int:
    with hub.client(HOSPITAL) as client:
        return client.get(f"/fhir/{name}").status_code


def run(hub: Served, *words: str, by: str = NETWORK) -> tuple[int, str]:
    done = tsunagu("erase", *words, "--to", hub.base, "--token", hub.tokens[by])
    return done.returncode, done.stdout + done.stderr


def test_a_person_is_restricted_shown_and_freed_again(hub: Served) -> None:
    name = registered(hub)
    status, said = run(hub, name, "--basis", "JP-35-5", "--reason", "本人の請求")
    assert status == 0
    reference = re.search(A_REFERENCE, said)
    assert reference is not None
    status, said = run(hub, "--list")
    (line,) = [line for line in said.splitlines() if line.startswith(reference[0])]
    assert status == 0
    assert re.search(r"期限 / due 203[0-9]-[0-9]{2}-[0-9]{2}", line)
    assert name not in said
    assert run(hub, name, "--lift")[0] == 1  # without a reason
    assert run(hub, name, "--lift", "--reason", "請求の取り下げ")[0] == 0
    assert "取りやめました" in next(line for line in run(hub, "--list")[1].splitlines() if line.startswith(reference[0]))
    assert read(hub, name) == 200


def test_a_court_does_not_wait(hub: Served) -> None:
    name = registered(hub)
    status, said = run(hub, name, "--basis", "JP-COURT", "--now", "--reason", REASON)
    assert status == 0, said
    assert read(hub, name) == 410
    status, said = run(hub, "--list")
    assert "鍵を消しました。写しが残っています" in said
    assert not [secret for secret in (REASON, name, "山田") if secret in said]


@pytest.mark.parametrize(
    ("words", "status", "rule"),
    [
        (("Patient/p1", "--basis", "JP-35-5"), 1, "HUB-5110"),
        (("Patient/tsu-aaaaaaaaaaaaaaaaaaaaaaaaae", "--basis", "JP-35-5"), 1, "HUB-5110"),
        (("Patient/tsu-aaaaaaaaaaaaaaaaaaaaaaaaae",), 2, "PERSON"),
        ((), 2, "PERSON"),
        (("Patient/p1", "--basis", "JP-35-5", "--lift"), 2, "PERSON"),
        (("Patient/p1", "--basis", "JP-COURT", "--now"), 2, "--reason"),
    ],
)
def test_what_is_asked_wrongly_says_why(hub: Served, words: tuple[str, ...], status: int, rule: str) -> None:
    assert run(hub, *words)[0] == status
    assert rule in run(hub, *words)[1]


def test_an_organization_erases_nobody(hub: Served) -> None:
    name = registered(hub)
    for by in (HOSPITAL, OFFICE):
        status, said = run(hub, name, "--basis", "JP-35-5", by=by)
        assert (status, "HUB-5043" in said) == (1, True)
    assert run(hub, "--list", by=OFFICE)[0] == 1
    assert read(hub, name) == 200
