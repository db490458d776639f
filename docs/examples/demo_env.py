"""Print what the examples need of a running demo, as lines for a shell: eval "$(python docs/examples/demo_env.py build/demo)".

`build/demo` is the demo's data folder; what `tsunagu demo --json` printed is expected beside it, in build/demo.json.
"""

import json
import shlex
import sys
from pathlib import Path

NAMES = {"central": "HOSPITAL", "midori": "CLINIC", "tsubame": "STATION", "renge": "OFFICE", "momiji": "OTHER_OFFICE", "network": "NETWORK"}
USERS = {"care-manager": "CARE_MANAGER", "er-doctor": "DOCTOR", "privacy-officer": "OFFICER"}

folder = Path(sys.argv[1])
demo = json.loads(folder.with_suffix(".json").read_text(encoding="utf-8"))
story = json.loads((folder / "region/story.json").read_text(encoding="utf-8"))
organizations = {one["code"]: one for one in demo["organizations"]}
links = {role["user"]: role["link"] for one in demo["organizations"] for role in one["roles"]}

found = {"BASE": demo["base"], "FHIR": demo["fhir"], "REGION": str(folder / "region")}
for alias, name in NAMES.items():
    one = organizations[story["organizations"][alias]]
    found[f"{name}_TOKEN"] = one["token"]
    found[name] = f"Authorization: Bearer {one['token']}"  # a whole header, for curl -H
for user, name in USERS.items():
    found[name] = links[user]
found["ADMITTED"], found["READMITTED"] = (story["moments"][name][:16] for name in ("admitted", "readmitted"))
for name, text in found.items():
    print(f"export {name}={shlex.quote(text)}")
