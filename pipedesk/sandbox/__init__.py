"""A local stand-in for Google Calendar v3, Drive v3 and their push messages."""
