"""Rebuilds the tables from nothing but the log and the keys: beside the running hub, to compare them row for row, and to put them in its place."""

from hub.replay.checking import Replayed, replay

__all__ = ["Replayed", "replay"]
