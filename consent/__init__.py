"""Who may see what, why and until when: pure functions over dated tables; no clock, no socket, no log."""
