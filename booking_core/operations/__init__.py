"""Running an installation: checks, backups, imports and the demo school."""
