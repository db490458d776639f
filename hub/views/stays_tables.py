"""Reads the tables of the 入退院 view (`data_stays/*.csv`), once, checked when read."""

from schemas.tables import Tables

_TABLES = Tables("hub", "views/data_stays")
rows, keyed = _TABLES.rows, _TABLES.keyed
