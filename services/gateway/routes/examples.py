"""Examples that can be pasted into a shell."""

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
