"""The gate: nothing leaves without a decision taken at that moment, for that recipient, and recorded before."""

from hub.gate.deciding import Gate, Given, Released, whole
from hub.gate.recording import AUDIT, summed_up

__all__ = ["AUDIT", "Gate", "Given", "Released", "summed_up", "whole"]
