"""The rules of the gateway: pure functions and frozen dataclasses. `door`: who may publish what."""
