"""Sources: bytes as they come are turned into FHIR R4 resources; pure functions, found by entry point."""
