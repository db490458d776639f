"""The hub: commands, the gate, the event log, views, followers and doors."""
