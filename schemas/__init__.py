"""What all packages share: refusals, identifiers, the door to FHIR, the contract for sources."""
