"""A person's consent as the hub keeps and judges it: read from FHIR once, kept sealed as bytes, never judged as raw FHIR."""

from consent.packing import pack, unpack
from consent.reading import normalise
from consent.rules import Days, Directive, Rule, unreadable

__all__ = ["Days", "Directive", "Rule", "normalise", "pack", "unpack", "unreadable"]
