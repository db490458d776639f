"""What changes the log: one file a command."""
