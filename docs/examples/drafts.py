"""Show what a hospital's file says, as its adapter hands it to the hub: python drafts.py INSTITUTION FILE."""

import json
import sys
from pathlib import Path

from adapters.hospital import adapter
from schemas.adapter import Wire

file = Path(sys.argv[2])
conversion = adapter.convert(Wire(file.name, file.read_bytes(), sys.argv[1]))
for part in conversion.parts:
    print(f"{conversion.layout}, control {part.control}")
    for draft in part.drafts:
        print(draft.type, draft.key, json.dumps(dict(draft.facts), ensure_ascii=False))
        print(json.dumps(dict(draft.body), ensure_ascii=False))
for refused in conversion.refused:
    print("refused", [(issue.rule, issue.where) for issue in refused.issues])
