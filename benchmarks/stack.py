async def measure(seconds: int) -> str:
    return ""
