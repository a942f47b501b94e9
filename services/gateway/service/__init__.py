"""The verbs of the gateway. `door`: lets events in, and hands out keys."""
