"""What follows the log by position: rows and position move together, so that a follower may be stopped anywhere."""
