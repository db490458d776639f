"""The page beside the adapter tells the truth: its example runs, and its tables name what there is."""

import re
from pathlib import Path

from adapters.hospital.convert import KINDS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "adapters" / "hospital" / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_what_its_comment_says(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    example = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == example.strip().rpartition("# ")[2]


def test_the_page_names_every_kind_and_every_file():
    assert [kind for kind in KINDS if f"| {kind} " not in PAGE] == []
    files = [path.name for path in (ROOT / "adapters" / "hospital").glob("*.py") if path.name != "__init__.py"]
    assert [name for name in files if name not in PAGE] == []
