"""The synthetic region ひばり野市: organizations, persons, and the files by which they enter through the hub's own doors."""

from hub.demo.region.write import write

__all__ = ["write"]
