"""Hand in an admission (SS-MIX2 ADT-22) as a hospital's system would: python push_admission.py BASE TOKEN INSTITUTION PATIENT [WHEN].

INSTITUTION is the ten-digit code of the token's own hospital; WHEN is YYYYMMDDhhmm in Japan, now if it is left out. Standard library only.
"""

import json
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

base, token, institution, patient, *when = sys.argv[1:]
now = datetime.now(timezone(timedelta(hours=9)))
admitted = when[0] if when else f"{now:%Y%m%d%H%M}"
sent = f"{now:%Y%m%d%H%M%S}"
control = f"{sent}{now.microsecond:06}"  # MSH-10: a number of its own for each message

place = ["PV1", "0001", "I", "3E^312^1^^^N", *[""] * 41]
place[10], place[44] = "08", admitted  # department; when the stay began
lines = [
    f"MSH|^~\\&|HIS|{institution}|GW|SSMIX2|{sent}||ADT^A01^ADT_A01|{control}|P|2.5||||||~ISO IR87||ISO 2022-1994|SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO",
    f"EVN||{sent}|||||{institution}",
    f"PID|0001||{patient}^^^^PI||",
    "|".join(place),
]
data = ("\r".join(lines) + "\r").encode("iso2022_jp")
name = f"{patient}_{admitted[:8]}_ADT-22_999999999999999_{sent}000_08_1"
request = urllib.request.Request(
    f"{base}/hand-in",
    data,
    {
        "Authorization": f"Bearer {token}",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Type": "application/octet-stream",
    },
)
try:
    report = json.load(urllib.request.urlopen(request))
except urllib.error.HTTPError as refused:
    report = json.load(refused)
print(json.dumps(report, ensure_ascii=False))
sys.exit(0 if report.get("taken") and not report.get("refused") else 1)
