"""FHIR R4 text: checked, cut, spliced and read; the one room that opens FHIR JSON and the only one that knows fhir.resources."""
