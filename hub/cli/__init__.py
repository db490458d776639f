"""The command `tsunagu`: environment → ports → hub → server."""
