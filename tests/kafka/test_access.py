"""The access rules of docs/kafka.md are enough for the hub and for an organization, and let it see nothing of another."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from hub.kafka import topics
from hub.kafka.clients import made
from hub.kafka.options import Options
from hub.kafka.receiving import Inlet
from hub.kafka.records import Record
from hub.kafka.sending import Outlet
from tests.hub.serving import ROOT
from tests.kafka.broker import READER, READING, Broker, java
from tests.kafka.region import a_region


def rules(names: dict[str, str]) -> list[list[str]]:
    """Give the page's commands, with other names."""
    page = (ROOT / "docs/kafka.md").read_text(encoding="utf-8")
    lines = re.findall(r"^kafka-acls (.*)$", page, re.MULTILINE)
    assert len(lines) == 7
    found = []
    for line in lines:
        for old, new in names.items():
            line = line.replace(old, new)  # noqa: PLW2901
        found.append(line.split())
    return found


def users(broker: Broker, password: str, *names: str) -> None:
    admin = made(KafkaAdminClient, bootstrap_servers=broker.servers)
    try:
        admin.alter_user_scram_credentials([UserScramCredentialUpsertion(n, ScramMechanism.SCRAM_SHA_512, password) for n in names])
    finally:
        admin.close()


def kcat(broker: Broker, *more: str, sent: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    tool = shutil.which("kcat")
    if tool is None:
        pytest.skip("kcat is not on this machine")
    said = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": READER, "sasl.password": READING,
            "isolation.level": "read_committed"}  # fmt: skip
    told = [word for name, value in said.items() for word in ("-X", f"{name}={value}")]
    return subprocess.run([tool, "-b", broker.secured, *told, *more], input=sent, capture_output=True, check=False, timeout=60)


def test_the_rules_of_the_page_are_enough_and_no_more(tmp_path: Path, broker: Broker) -> None:
    salt, region, other = secrets.token_hex(4), a_region(), a_region()
    mine, theirs = region.network, other.network
    hub = f"h{salt}"
    secret = tmp_path / "password"
    secret.write_text(salt, encoding="ascii")
    users(broker, salt, hub)
    for one in rules({"User:hub": f"User:{hub}", "User:office": f"User:{READER}", "1379000019": mine}):
        subprocess.run(
            java("org.apache.kafka.tools.AclCommand", "--bootstrap-server", broker.servers, *one), check=True, capture_output=True
        )
    options = Options((broker.secured,), "SASL_PLAINTEXT", "SCRAM-SHA-512", hub, secret, replicas=1)

    outlet = Outlet(options, f"tsunagu-{mine}")
    outlet.open([mine, theirs])
    outlet.send([Record(topics.out(c, "Discharged"), b"k", c.encode(), ()) for c in (mine, theirs)], {mine: 1}, until=time.monotonic() + 60)
    assert outlet.open([mine, theirs])[mine] == 1
    outlet.drop()
    inlet = Inlet(options, [mine, theirs], [mine, theirs])
    inlet.open()

    everything = ("-C", "-q", "-e", "-o", "beginning")
    assert kcat(broker, *everything, "-t", f"tsunagu.{mine}.admission").stdout.split() == [mine.encode()]
    for topic in (f"tsunagu.{theirs}.admission", topics.POSITIONS, topics.into(theirs), topics.dead(theirs)):
        refused = kcat(broker, *everything, "-t", topic)
        assert refused.stdout == b""
        assert b"authorization failed" in refused.stderr.lower()
    assert kcat(broker, "-P", "-t", topics.into(mine), sent=b"mine\n").returncode == 0
    for topic in (topics.into(theirs), f"tsunagu.{mine}.admission", topics.dead(mine), topics.POSITIONS):
        assert b"authorization failed" in kcat(broker, "-P", "-t", topic, sent=b"not mine\n").stderr.lower()
    shown = kcat(broker, "-L").stdout.decode()
    assert mine in shown
    assert theirs not in shown

    until, got = time.monotonic() + 40, []
    while not got and time.monotonic() < until:
        got = [one for some in inlet.take(1.0) for one in some]
    assert [(one.topic, one.value) for one in got] == [(topics.into(mine), b"mine")]
    inlet.done(got)
    inlet.bury([Record(topics.dead(mine), b"r", b"no", ())])
    inlet.drop()
    assert kcat(broker, *everything, "-t", topics.dead(mine)).stdout == b"no\n"
