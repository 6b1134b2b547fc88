"""A process that dies at each of its steps, in eight scenarios; see enumerator.py."""
