"""The event log: facts in order, bodies sealed, leaves hashed; the eventsourcing library's recorders, extended where the design asks."""
