"""The demonstration: a synthetic region, played through the same doors that users have."""
