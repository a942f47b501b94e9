"""The hem command, one module for each kind of work."""
