"""Several Prometheus expositions (text format 0.0.4) as one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{)?")


@dataclass(frozen=True)
class Page:
    """What one instance of a service said, None when it said nothing. `instance` (host:port) where the service has several."""

    service: str
    instance: str | None
    text: str | None

    @property
    def labels(self) -> str:
        return f'service="{self.service}"' + (f',instance="{self.instance}"' if self.instance else "")


def merge(pages: Iterable[Page]) -> str:
    """One valid page of all services' metrics, every sample labelled `service="…"`, and `instance="…"` where there are several.

    Every family stands once, with the help and type of the first page that has it. `hem_service_up`
    says who answered.
    """
    pages = list(pages)
    heads: dict[str, dict[str, str]] = {}
    samples: dict[str, list[str]] = {}
    for page in pages:
        family = ""
        for line in (page.text or "").splitlines():
            if line.startswith(("# HELP ", "# TYPE ")):
                _, kind, family, *_ = line.split(" ", 3)
                heads.setdefault(family, {}).setdefault(kind, line)
            elif line and not line.startswith("#") and (match := SAMPLE.match(line)):
                name, opened = match[1], match[2]
                rest = line[match.end() :]
                inner = "," if opened and not rest.startswith("}") else ""
                labels = f"{{{page.labels}{inner}" + ("" if opened else "}")
                owner = family if name.startswith(family) and family else name
                samples.setdefault(owner, []).append(name + labels + rest)
    heads["hem_service_up"] = {
        "HELP": "# HELP hem_service_up Whether the service answered for its metrics.",
        "TYPE": "# TYPE hem_service_up gauge",
    }
    samples["hem_service_up"] = [f"hem_service_up{{{page.labels}}} {int(page.text is not None)}" for page in pages]
    lines: list[str] = []
    for family, own in samples.items():
        head = heads.get(family, {})
        lines += [head[kind] for kind in ("HELP", "TYPE") if kind in head]
        lines += own
    return "\n".join(lines) + "\n"
