"""Files and messages on their way in: wire → adapter → commands."""
