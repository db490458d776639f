"""Faults planted in consent, gate and proofs: the tests have to find every one of them."""
