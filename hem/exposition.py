"""Several Prometheus expositions (text format 0.0.4) as one."""

import re
from collections.abc import Mapping

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{)?")


def merge(pages: Mapping[str, str | None]) -> str:
    """One valid page of all services' metrics, every sample labelled `service="…"`.

    Every family stands once, with the help and type of the first page that has it. `hem_service_up`
    says which services answered (None: no answer).
    """
    heads: dict[str, dict[str, str]] = {}
    samples: dict[str, list[str]] = {}
    for service, page in pages.items():
        family = ""
        for line in (page or "").splitlines():
            if line.startswith(("# HELP ", "# TYPE ")):
                _, kind, family, *_ = line.split(" ", 3)
                heads.setdefault(family, {}).setdefault(kind, line)
            elif line and not line.startswith("#") and (match := SAMPLE.match(line)):
                name, opened = match[1], match[2]
                rest = line[match.end() :]
                inner = "," if opened and not rest.startswith("}") else ""
                labels = f'{{service="{service}"{inner}' + ("" if opened else "}")
                owner = family if name.startswith(family) and family else name
                samples.setdefault(owner, []).append(name + labels + rest)
    heads["hem_service_up"] = {
        "HELP": "# HELP hem_service_up Whether the service answered for its metrics.",
        "TYPE": "# TYPE hem_service_up gauge",
    }
    samples["hem_service_up"] = [
        f'hem_service_up{{service="{service}"}} {int(page is not None)}' for service, page in pages.items()
    ]
    lines: list[str] = []
    for family, own in samples.items():
        head = heads.get(family, {})
        lines += [head[kind] for kind in ("HELP", "TYPE") if kind in head]
        lines += own
    return "\n".join(lines) + "\n"
