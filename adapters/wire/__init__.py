"""Forms of bytes that several sources share: HL7 v2 and its character sets, CSV, XML; nothing of FHIR."""
