"""Google Calendar v3 as the sandbox plays it."""
