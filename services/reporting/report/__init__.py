"""The yearly report: what it says, and the files it is handed over as."""
