"""The sandbox's own page: see calendars, folders and channels, and act as somebody in Google."""
