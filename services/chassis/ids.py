"""UUIDv7 (RFC 9562): ordered by time, which keeps the indexes of facts small and warm. Python has it from 3.14 on."""

import os
from datetime import datetime
from uuid import UUID


def uuid7(at: datetime) -> UUID:
    """A new id whose first 48 bits are the milliseconds of `at` (aware)."""
    milliseconds = int(at.timestamp() * 1000)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return UUID(int=value)
