"""The story: one stay, one emergency, one audit. Played over HTTP and files against a fresh hub, as its users would; each step is seen or not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

from hub.demo.listening import Listener
from hub.demo.play import Hands
from hub.demo.region import write

NOW = "2026-11-24T10:00:00+09:00"
"""A Tuesday morning: the story must not depend on the day on which it is told."""
HEARD = 5.0
SILENT = 2.5
"""Seconds after which an event that has not come will not come: the feed is asked for its head as well."""
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_PERSON = re.compile(r'href="/emergency/([a-z2-7]{20,})"')
_CODE = re.compile(r'class="code">確認コード <b class="num">(\d{6})</b>')


class NotSeen(Exception):
    """A step did not show what it should have shown."""


def tell(now: str = NOW, seed: int = 1, renamed: Mapping[str, str] | None = None) -> int:
    """Play it from the first step to the last and print a line each; 0 when every step was seen.

    `renamed` are names of organizations to be put in place of those of the region: the story must not hang on them.
    """
    with tempfile.TemporaryDirectory(prefix="tsunagu-story-") as folder:
        data = Path(folder)
        home = data / "region"
        home.mkdir()
        write(home, seed=seed, now=datetime.fromisoformat(now))
        _rename(home, renamed or {})
        environ = {**os.environ, "TSUNAGU_NOW": now, "TSUNAGU_REGION": str(home / "region.json"), "TSUNAGU_DATA": folder}
        count = 0
        with _hub(data, environ) as described:
            story = Story(described, home)
            try:
                for count, (said, step) in enumerate(story.steps(), 1):
                    print(f"{count:>2}. {said}：{step()}", flush=True)
            except NotSeen as fault:
                print(f"見えませんでした / not seen: {fault}", file=sys.stderr)
                return 1
            finally:
                story.close()
        return _checked(environ, count)


def _checked(environ: Mapping[str, str], count: int) -> int:
    """Rebuild and verify what the hub left behind, by the commands that an operator has."""
    for number, verb in ((count + 1, "replay"), (count + 2, "verify")):
        command = [sys.executable, "-m", "hub.cli.main", verb]
        done = subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=False)  # noqa: S603
        last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()
        print(f"{number:>2}. tsunagu {verb}：{last}", flush=True)
        if done.returncode:
            print(done.stdout, done.stderr, file=sys.stderr)
            return 1
    print("すべて見えました / every step was seen")
    return 0


def _rename(home: Path, names: Mapping[str, str]) -> None:
    """Put other names into every text of a region."""
    for path in [p for p in home.rglob("*") if p.is_file()] if names else ():
        held = path.read_bytes()
        for old, new in names.items():
            for charset in ("utf-8", "cp932"):
                held = held.replace(old.encode(charset), new.encode(charset))
        path.write_bytes(held)


@contextmanager
def _hub(data: Path, environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Start `tsunagu demo --json` and end it by SIGTERM."""
    command = [sys.executable, "-m", "hub.cli.main", "demo", "--json", "--data", str(data), "--port", "0"]
    log = data / "hub.log"
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(  # noqa: S603
            command, env=dict(environ), stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise NotSeen(f"ハブが始まりません / the hub did not start: {log.read_text(encoding='utf-8')[-2000:]}")
            yield orjson.loads(line)
        finally:
            process.terminate()
            process.wait(20)


class Person:
    """Somebody who signs in by a one-time link and uses the pages."""

    def __init__(self, base: str, link: str) -> None:
        self._client = httpx.Client(base_url=base, timeout=30, follow_redirects=True, trust_env=False)
        self._client.get(link)

    def see(self, path: str) -> httpx.Response:
        """Open a page."""
        return self._client.get(path)

    def send(self, page: str, path: str, **fields: str) -> httpx.Response:
        """Fill in a form of a page and send it."""
        drawn = _CSRF.search(self.see(page).text)
        return self._client.post(path, data={"csrf": drawn[1] if drawn else "", **fields})

    def close(self) -> None:
        """Leave."""
        self._client.close()


class Story:
    """The steps over a running demo. Nothing here knows the hub's inside: requests, files and pages alone."""

    def __init__(self, described: Mapping[str, Any], folder: Path) -> None:
        self._base: str = described["base"]
        self._folder = folder
        self._told = orjson.loads((folder / "story.json").read_bytes())
        tokens = {o["code"]: o["token"] for o in described["organizations"]}
        links = {r["user"]: r["link"] for o in described["organizations"] for r in o["roles"]}
        self._hands = Hands(self._base, tokens)
        codes = self._told["organizations"]
        self._office = codes["renge"]
        self._ears = {name: Listener(self._base, tokens[codes[name]]) for name in ("renge", "momiji")}
        users = self._told["users"]
        self._people = {
            name: Person(self._base, links[users[name]]) for name in ("care_manager", "er_doctor", "privacy_officer", "ward_nurse")
        }
        self._steps = {s["name"]: s for s in self._told["steps"]}
        self._reference = ""
        self._decision = ""

    def close(self) -> None:
        """Hang up."""
        for ear in self._ears.values():
            ear.close()
        for person in self._people.values():
            person.close()
        self._hands.close()

    def steps(self) -> Sequence[tuple[str, Callable[[], str]]]:
        """Give what is done, and what is to be seen."""
        return (
            ("病院が入院の知らせ（SS-MIX2 ADT-22）を渡す", self.admission),
            ("ケアマネジャーのアプリが聞く", self.heard),
            ("担当でない事業所には聞こえない", self.others_hear_nothing),
            ("入退院の画面に、情報提供書の期限が出る", self.due),
            ("送付を記録する", self.sent),
            ("訪問看護の臨時訪問の記録を渡す", self.visit),
            ("列のずれたファイルは、その人の分だけ受け取らず、直せば受け取る", self.damaged),
            ("救急医がさがす。同意の範囲では、ほかの施設の記録は見えない", self.nothing_yet),
            ("確認コードなしでは開かない", self.no_code),
            ("緊急開示で開く：意思・アレルギー・薬・連絡先", self.broken),
            ("責任者が判断の記録を見て、確認する", self.reviewed),
            ("退院の知らせが聞こえる", self.discharged),
            ("本人が同意を取りやめる", self.withdrawn),
            ("次の入院は、だれにも聞こえない", self.silent),
            ("取りやめた後は、ケアマネジャーの画面からも消える", self.gone),
        )

    def _hand(self, name: str) -> httpx.Response:
        step = self._steps[name]
        path = self._folder / step["path"]
        return self._hands.put(step["by"], path) if step["door"] == "put" else self._hands.file(step["by"], path)

    def _taken(self, name: str) -> str:
        answer = self._hand(name)
        told = answer.json()
        _see(answer.status_code == 200 and told["taken"] and not told["refused"], f"{name} {answer.status_code}")
        return f"受け取り {sum(t['resources'] for t in told['taken'])} 件"

    def admission(self) -> str:
        """Hand in the hospital's admission message."""
        return self._taken("admission")

    def heard(self) -> str:
        """Hear AdmissionNotified and read what it points to."""
        event = self._ears["renge"].wait(lambda e: e["data"]["event"] == "AdmissionNotified", HEARD)
        _see(event is not None, "AdmissionNotified")
        assert event is not None
        read = self._hands.ask(self._office, "GET", f"/fhir/{event['data']['resource']['reference']}")
        _see(read.status_code == 200 and read.json()["status"] == "in-progress", "Encounter")
        return f"AdmissionNotified（{event['data']['organization']['name']}、自分の番号 {event['id']}）"

    def others_hear_nothing(self) -> str:
        """Make sure that an office which does not care for the person heard nothing of it."""
        answer = self._hands.ask(
            self._told["organizations"]["momiji"], "GET", "/events?after=0&limit=1000", headers={"Accept": "application/x-ndjson"}
        )
        mine = [
            e
            for e in map(orjson.loads, answer.text.splitlines())
            if e["data"].get("occurred", "").startswith(self._told["moments"]["admitted"][:16])
        ]
        _see(answer.status_code == 200 and not mine, "another office heard of it")
        return "何も届いていない"

    def _board(self) -> str:
        page = self._people["care_manager"].see("/board")
        _see(page.status_code == 200, "board")
        return page.text

    def due(self) -> str:
        """See the person and the deadline on the board."""
        text = self._board()
        family = self._told["person"]["name"].split()[0]
        _see(family in text, "the person on the board")
        _see("入院時情報連携加算" in text and "きょうまで" in text, "the deadline of today")
        return "きょうまで（入院時情報連携加算Ⅰ）"

    def sent(self) -> str:
        """Press the button of the row."""
        text = self._board()
        family = self._told["person"]["name"].split()[0]
        row = next((r for r in text.split("<tr") if family in r and 'action="/board/done/sent"' in r), "")
        episode = re.search(r'name="episode" value="([^"]+)"', row)
        _see(episode is not None, "the button")
        assert episode is not None
        after = self._people["care_manager"].send("/board", "/board/done/sent", episode=episode[1])
        _see(after.status_code == 200 and "すみ" in after.text, "marked as sent")
        return "すみ"

    def visit(self) -> str:
        """Hand in the urgent visit."""
        return self._taken("urgent-visit")

    def damaged(self) -> str:
        """Hand in a damaged file, see it in the list, hand in the corrected one."""
        bad = self._hand("damaged-visits").json()
        _see(len(bad["refused"]) == 1 and len(bad["taken"]) == 1, "one taken, one refused")
        issue = bad["refused"][0]["issues"][0]
        by = self._steps["damaged-visits"]["by"]
        listed = self._hands.ask(by, "GET", "/refused.json").json()["refused"]
        _see(any(r["reference"] == bad["refused"][0]["reference"] for r in listed), "the list of refused messages")
        good = self._hand("corrected-visits").json()
        _see(good["taken"] and not good["refused"], "the corrected file")
        return f"{bad['refused'][0]['rows']} 行目 {issue['rule']} → 直して受け取り"

    def nothing_yet(self) -> str:
        """Look for the person as the ER doctor."""
        person = self._told["person"]
        found = self._people["er_doctor"].send("/emergency", "/emergency/find", by="name", kana=person["kana"], birth=person["birth"])
        match = _PERSON.search(found.text)
        _see(match is not None, "the person found")
        assert match is not None
        self._reference = match[1]
        page = self._people["er_doctor"].see(f"/emergency/{self._reference}").text
        expect = self._told["expect"]
        _see(expect["allergy"] not in page and expect["wish"] not in page, "nothing of others before the glass is broken")
        return "自分の病院の記録だけ"

    def _open(self, code: str) -> httpx.Response:
        return self._people["er_doctor"].send(
            f"/emergency/{self._reference}/open", "/emergency/open", person=self._reference, reason="救急搬送。呼びかけに反応が弱く、付き添いなし。",
            necessity="yes", difficulty="yes", identity="card", code=code,
        )  # fmt: skip

    def no_code(self) -> str:
        """Try without the second factor."""
        page = self._open("")
        _see(page.status_code == 422 and self._told["expect"]["allergy"] not in page.text, "refused without a code")
        return "開かない（確認コードが必要）"

    def broken(self) -> str:
        """Open with the code that the demo's band shows, and see what the doctor must know."""
        form = self._people["er_doctor"].see(f"/emergency/{self._reference}/open").text
        code = _CODE.search(form)
        _see(code is not None, "the demo's code")
        assert code is not None
        page = self._open(code[1])
        text, expect = page.text, self._told["expect"]
        for name in (
            "allergy",
            "wish",
            "anticoagulant",
            "device",
            "problem",
            "key_person_phone",
            "nurse_phone",
            "care_level",
            "confirming_doctor",
        ):
            _see(expect[name] in text, f"{name}")
        _see("DNAR" not in text, "no bare DNAR")
        return f"{expect['allergy']}（{expect['reaction']}）、{expect['anticoagulant']}、{expect['device']}、「{expect['wish']}」"

    def reviewed(self) -> str:
        """Find the decision as the officer, see the reason, review it."""
        officer = self._people["privacy_officer"]
        page = officer.see("/audit?outcome=")
        rows = re.findall(r'href="/audit\?([^"#]*)why=([A-Z0-9-]+)#why"', page.text.replace("&amp;", "&"))
        _see(bool(rows), "decisions")
        for _, reference in rows:
            text = officer.see(f"/audit?why={reference}").text
            if "P-BTG" in text and 'action="/audit/review"' in text:
                self._decision = reference
                break
        _see(bool(self._decision), "the emergency access in the record")
        _see("付き添いなし" in text and "27条" in text, "the typed reason and the article of the law")
        after = officer.send(f"/audit?why={self._decision}", "/audit/review", reference=self._decision, result="justified")
        _see("正当と確認" in after.text, "reviewed")
        return f"{self._decision} 緊急開示、正当と確認"

    def discharged(self) -> str:
        """Hand in the discharge and hear it."""
        self._taken("discharge")
        event = self._ears["renge"].wait(lambda e: e["data"]["event"] == "Discharged", HEARD)
        _see(event is not None, "Discharged")
        assert event is not None
        return f"Discharged（自分の番号 {event['id']}）"

    def withdrawn(self) -> str:
        """Send the consent again as inactive."""
        answer = self._hand("withdrawal")
        _see(answer.is_success, f"withdrawal {answer.status_code}")
        return f"同意 第{answer.headers['ETag'].strip('W/').strip(chr(34))}版 inactive"

    def silent(self) -> str:
        """Hand in the next admission: taken, and heard by nobody."""
        self._taken("readmission")
        again = self._told["moments"]["readmitted"][:16]
        late = self._ears["renge"].wait(lambda e: e["data"].get("occurred", "").startswith(again), SILENT)
        _see(late is None, "an event after the withdrawal")
        lines = self._hands.ask(self._office, "GET", "/events?after=0&limit=1000", headers={"Accept": "application/x-ndjson"}).text
        _see(again not in lines, "an event after the withdrawal in the feed")
        return "届かない"

    def gone(self) -> str:
        """Open the board once more."""
        family = self._told["person"]["name"].split()[0]
        _see(family not in self._board(), "the person is gone from the board")
        return "入退院の画面に出ない"


def _see(seen: object, what: str) -> None:
    if not seen:
        raise NotSeen(what)
