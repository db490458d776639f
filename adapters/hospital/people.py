"""Names (XPN), addresses (XAD) and telephones (XTN) as JP Core writes them (hospital facts §2.1, §4.2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from adapters.hospital.fields import Body, clean, filled, spaced
from adapters.hospital.tables import keyed, look
from adapters.wire.hl7v2 import Repetition, Segment

_FORM = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_KANA = re.compile("[\u3041-\u309f\u30a0-\u30ff\uff61-\uff9f\\s]+")
_NAME_USES = {"L": "official", "": "official", "M": "maiden", "N": "nickname"}
_POSTAL = re.compile("([0-9]{3})[-−]?([0-9]{4})")
_ADDRESS_USES = {"H": "home", "B": "work"}


def names(segment: Segment, field: int) -> list[Body]:
    """Map XPN repetitions to HumanNames, one for each script.

    Where XPN.8 is empty a name all in kana counts as SYL, any other as IDE. A name that stands whole in one component stays whole.
    """
    return [name for rep in segment.each(field) if (name := _name(rep))]


def _name(rep: Repetition) -> Body:
    family, given = clean(rep[1]), clean(rep[2])
    text = spaced(family, given)
    if not text:
        return {}
    form = look("name_forms", clean(rep[8]), "form") or ("SYL" if _KANA.fullmatch(text) else "IDE")
    return filled({
        "extension": [{"url": _FORM, "valueCode": form}],
        "use": _NAME_USES.get(clean(rep[7]), ""),
        "text": text,
        "family": family,
        "given": [given] if given else [],
    })  # fmt: skip


def addresses(segment: Segment, field: int) -> list[Body]:
    """Map XAD repetitions: Japan writes the whole address into XAD.8, the parts are used where it is empty."""
    return [address for rep in segment.each(field) if (address := _address(rep))]


def _address(rep: Repetition) -> Body:
    text = clean(rep[8])
    street = [part for part in (clean(rep[1]), clean(rep[2])) if part]
    parts = {} if text else {"line": street, "city": clean(rep[3]), "state": clean(rep[4])}
    composed = text or "".join((clean(rep[4]), clean(rep[3]), *street))
    postal = _POSTAL.fullmatch(unicodedata.normalize("NFKC", clean(rep[5])))
    if not composed and not postal:
        return {}
    return filled({
        "use": _ADDRESS_USES.get(clean(rep[7]), ""),
        "text": composed,
        **parts,
        "postalCode": f"{postal[1]}-{postal[2]}" if postal else "",
        "country": "JP" if clean(rep[6]) == "JPN" else "",
    })  # fmt: skip


def telecoms(segment: Segment, *fields: int) -> list[Body]:
    """Map XTN repetitions of several fields to ContactPoints, each once."""
    found: list[Body] = []
    for one in (_telecom(rep) for field in fields for rep in segment.each(field)):
        if one and one not in found:
            found.append(one)
    return found


def _telecom(rep: Repetition) -> Body:
    use, equipment = clean(rep[2]), clean(rep[3])
    system = look("telecom_systems", equipment, "system") or ("email" if use == "NET" else "phone")
    value = next(_values(rep, email=system == "email"), "")
    if not value:
        return {}
    row = keyed("telecom_systems").get(equipment)
    return filled({"system": system, "value": value, "use": (row and row["use"]) or look("telecom_uses", use, "use")})


def _values(rep: Repetition, *, email: bool) -> Iterator[str]:
    """Give what may be the number, best first: unformatted (XTN.12), legacy (XTN.1), area and local number (XTN.6, 7)."""
    parts = [clean(rep[6]), clean(rep[7])]
    for value in (clean(rep[4]) if email else "", clean(rep[12]), clean(rep[1]), "-".join(part for part in parts if part)):
        if value:
            yield value
