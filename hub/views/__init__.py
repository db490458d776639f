"""What the followers keep and the pages show."""
