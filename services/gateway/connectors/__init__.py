"""Connectors: what fetches facts from systems that publish nothing themselves. One module for each kind of file."""
