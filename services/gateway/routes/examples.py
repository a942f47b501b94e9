"""Examples that can be pasted: into a shell, a program, a file."""

import json

from schemas.generate import example
from schemas.tenancy import TenantMovedIn


def curl(public_url: str, event_type: str = TenantMovedIn.type) -> str:
    """The command that publishes the type's example, in structured mode."""
    event = json.dumps(example(event_type), indent=2, ensure_ascii=False).replace("'", "'\\''")
    return (
        f"curl {public_url.rstrip('/')}/events \\\n"
        '  -H "Authorization: Bearer $HEM_KEY" \\\n'
        '  -H "Content-Type: application/cloudevents+json" \\\n'
        f"  -d '{event}'"
    )


def python(public_url: str, event_type: str) -> str:
    """A program that publishes the type's example with nothing but Python's own library."""
    event = json.dumps(example(event_type), indent=2, ensure_ascii=False)
    return (
        "import os, urllib.request\n\n"
        f'event = r"""{event}"""\n'
        "request = urllib.request.Request(\n"
        f'    "{public_url.rstrip("/")}/events",\n'
        "    data=event.encode(),\n"
        '    headers={"Authorization": f"Bearer {os.environ[\'HEM_KEY\']}",\n'
        '             "Content-Type": "application/cloudevents+json"},\n'
        ")\n"
        "print(urllib.request.urlopen(request, timeout=30).read().decode())"
    )


def ndjson(event_type: str) -> str:
    """The example as a line of a file, and the commands that check and send such a file."""
    return (
        f"{json.dumps(example(event_type), ensure_ascii=False)}\n\n"
        "hem validate events.ndjson\n"
        "hem publish events.ndjson"
    )
