"""Tables that move inside the append's own transaction, so that a client reads what it has just written."""
