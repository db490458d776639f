"""Numbers of people and places: their forms, check digits and identifier systems."""

from __future__ import annotations

import re

from schemas.adapter import BASE

KAIGO_INSURED = f"{BASE}/sid/kaigo-insured-number"
"""介護保険: `保険者番号:被保険者番号`, a pair in one value (care-manager facts §4.3)."""
KAIGO_INSURER = f"{BASE}/sid/kaigo-insurer-number"
KAIGO_OFFICE = f"{BASE}/sid/kaigo-office-number"
INSTITUTION = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no"
"""医療機関コード, ten digits."""

_VALUE = {c: i for i, c in enumerate("0123456789")} | {c: 10 + i for i, c in enumerate("ABCDEFGHJKLMNPRSTUVWXYZ")}
_OFFICE = re.compile(r"[0-9]{2}[0-9A-HJ-NPR-Z][0-9]{7}")
_INSURER = re.compile(r"[0-9]{6}")


def check_digit(body: str) -> str:
    """Give the modulus-10 digit, weights 2-1 from the right, digits of products added (保険者番号・事業所番号 の検証番号)."""
    total = 0
    for i, ch in enumerate(reversed(body)):
        product = _VALUE[ch] * (2 if i % 2 == 0 else 1)
        total += sum(int(d) for d in str(product))
    return str((10 - total % 10) % 10)


def is_office_code(text: str) -> bool:
    """Say whether this is a ten-character institution or office number with a right check digit."""
    return bool(_OFFICE.fullmatch(text)) and check_digit(text[:-1]) == text[-1]


def is_insurer_number(text: str) -> bool:
    """Say whether this is a six-digit 保険者番号 with a right check digit."""
    return bool(_INSURER.fullmatch(text)) and check_digit(text[:-1]) == text[-1]


def patient_number_system(institution: str) -> str:
    """Give the system of a hospital's own patient numbers: OID arc `1` + ten-digit institution code (JP Core Patient.identifier)."""
    return f"urn:oid:1.2.392.100495.20.3.51.1{institution}"


def station_patient_system(office: str) -> str:
    """Give the system of an office's own person numbers where the code is no ten-digit institution code."""
    return f"{BASE}/sid/local-patient/{office}"
