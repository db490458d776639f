"""Show the newest events as they lie in a log, bodies sealed: python look.py FOLDER [COUNT]. Reads only, beside a running hub."""

import base64
import sqlite3
import sys
from pathlib import Path

from hub.log.envelope import unpack

folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
log = sqlite3.connect(f"file:{folder / 'hub.db'}?mode=ro", uri=True)
rows = log.execute(
    "SELECT position, originator_id, originator_version, topic, state, leaf FROM events ORDER BY position DESC LIMIT ?", (count,)
)
for position, stream, version, topic, state, leaf in reversed(rows.fetchall()):
    header, body = unpack(state)
    print(f"#{position}  {topic}  stream {stream[:8]}…  version {version}")
    print(
        f"    clear   kind={header.kind} custodian={header.custodian} compartment={header.compartment} labels={header.confidentiality or '?'}"
    )
    print(f"    sealed  {len(body)} bytes under key {header.key.hex()[:8]}…   leaf {base64.b64encode(leaf).decode()[:12]}…")
log.close()
