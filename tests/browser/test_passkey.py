"""From an invitation to a passkey and back in by it, in Chromium with its virtual authenticator, over `tsunagu serve`: with a picture of each page kept."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pyotp
import pytest

from tests.browser.test_emergencies_of_the_demo import fits
from tests.browser.test_pages_of_the_demo import kept as picture
from tests.hub.serving import ROOT, region_file

pytestmark = pytest.mark.browser


def environment(folder, base, port):
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TSUNAGU_")}, "PYTHONPATH": str(ROOT), "TSUNAGU_DATA": str(folder / "data"),
        "TSUNAGU_REGION": str(folder / "region.json"), "TSUNAGU_BASE": base, "TSUNAGU_LISTEN": f"127.0.0.1:{port}",
    }  # fmt: skip


def tsunagu(*words, env):
    return [sys.executable, "-m", "hub.cli.main", *words], {"cwd": ROOT, "env": env}


def answers(port):
    try:
        return urlopen(f"http://127.0.0.1:{port}/livez", timeout=1).status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A hub in service under a host's name, and the invitation that its operator printed for the first officer."""
    folder = tmp_path_factory.mktemp("house")
    region_file(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://localhost:{port}"
    env = environment(folder, base, port)
    command, how = tsunagu("invite", "officer", env=env)
    said = subprocess.run(command, **how, check=True, capture_output=True, text=True, timeout=60).stdout
    command, how = tsunagu("serve", env=env)
    with (folder / "said.log").open("wb") as log, subprocess.Popen(command, **how, stdout=log, stderr=log) as served:
        try:
            until = time.monotonic() + 30
            while not answers(port):
                assert served.poll() is None, (folder / "said.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
            yield base, said.splitlines()[0]
        finally:
            served.terminate()
            served.wait(30)


@pytest.fixture
def device(page):
    """A platform authenticator that verifies its user, with nothing in it."""
    spoken = page.context.new_cdp_session(page)
    spoken.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }  # fmt: skip
    name = spoken.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    return lambda what, **more: spoken.send(f"WebAuthn.{what}", {"authenticatorId": name, **more})


def kept(page, artefacts, name):
    fits(page)
    picture(page, artefacts, name)


def test_an_officer_is_invited_makes_a_passkey_invites_the_doctor_and_comes_back_without_a_name(page, device, house, artefacts):
    base, link = house
    page.goto(link)
    page.get_by_role("heading", name="パスキーを作る").wait_for()
    assert "#" not in page.url
    kept(page, artefacts, "passkey-welcome")
    page.get_by_role("button", name="パスキーを作る").click()
    page.get_by_role("heading", name="サインインできました").wait_for()
    (credential,) = device("getCredentials")["credentials"]
    assert credential["isResidentCredential"]
    seed = page.locator(".seed").inner_text().replace(" ", "")
    assert len(pyotp.TOTP(seed).now()) == 6
    kept(page, artefacts, "passkey-registered")

    page.get_by_role("link", name="はじめの画面へ").click()
    page.get_by_role("navigation").get_by_role("link", name="利用者").click()
    kept(page, artefacts, "users")
    page.get_by_role("row", name=re.compile("救急 花子")).get_by_role("button", name="招待する").click()
    page.get_by_role("heading", name="「つなぐ」への招待").wait_for()
    assert re.fullmatch(r"([2-9A-Z]{4}-){4}[2-9A-Z]{4}", page.locator(".seed").inner_text())
    kept(page, artefacts, "invitation")

    page.goto(f"{base}/")
    page.get_by_role("button", name="終わる").click()
    page.get_by_role("button", name="パスキーでサインイン").wait_for()
    kept(page, artefacts, "passkey-sign-in")
    page.get_by_role("button", name="パスキーでサインイン").click()
    page.get_by_role("navigation").get_by_role("link", name="開示の記録").wait_for()
    page.goto(link)
    page.get_by_text("この招待は使えません").wait_for()

    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{base}/users")
    kept(page, artefacts, "users-telephone")


def test_a_device_without_a_passkey_is_told_what_to_do(page, device, house):
    base, _ = house
    device("setUserVerified", isUserVerified=False)
    page.goto(f"{base}/sign-in")
    page.get_by_role("button", name="パスキーでサインイン").click()
    page.get_by_text("できませんでした。").wait_for()
    assert page.get_by_role("button", name="パスキーでサインイン").is_enabled()
