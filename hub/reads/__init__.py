"""What is asked of the hub: one file a question. Everything that leaves goes row → gate → vault → the asker's own view of it."""
