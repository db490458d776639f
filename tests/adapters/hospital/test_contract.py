"""The hospital keeps the contract of all sources."""

from pathlib import Path

from adapters.hospital import adapter
from schemas.adapter import Wire
from tests.adapters.contract import AdapterContract, Good
from tests.adapters.hospital.test_cases import CASES, load

NAMES = {"一ノ瀬": "0040718", "香取": "0050012", "早乙女": "0040726"}


class TestTheHospitalKeepsTheContract(AdapterContract):
    adapter = adapter

    def good(self) -> list[Good]:
        return [*map(single, taken()), two_patients_in_one_file()]


def taken() -> list[Path]:
    return [case for case in CASES if load(case)[1]["parts"]]


def single(case: Path) -> Good:
    wire, expected = load(case)
    return Good(wire, {expected["parts"][0]["patient_key"]: f"||{expected['parts'][0]['patient_key']}".encode()})


def two_patients_in_one_file() -> Good:
    """Give two messages one after the other, as a socket dump or a joined file has them."""
    first, second = (load(Path(__file__).parent / "cases" / name)[0] for name in ("admission", "admission-cancelled"))
    marks = {number: name.encode("iso2022_jp") for name, number in NAMES.items() if number != "0050012"}
    return Good(Wire("dump.hl7", first.data + b"\r\n\x0b" + second.data, first.sender), marks)
