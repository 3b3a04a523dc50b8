"""The one-command mode: finds or starts the servers and supervises the processes."""
