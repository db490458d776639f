"""The doors by HTTP: parse, call, answer. The only rooms that know fastapi."""
