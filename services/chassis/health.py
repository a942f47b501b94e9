"""Whether a service can do its work, as the sum of its parts' own words."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Health:
    """Parts that report `ok` or `bad`. Ready when every expected part has said ok last."""

    parts: dict[str, str | None] = field(default_factory=dict)  # None: fine; otherwise what is wrong

    def expect(self, part: str) -> None:
        """The service isn't ready before this part has said ok."""
        self.parts.setdefault(part, "starting")

    def ok(self, part: str) -> None:
        self.parts[part] = None

    def bad(self, part: str, why: str) -> None:
        self.parts[part] = why

    def recovered(self, part: str, why: str) -> None:
        """Fine again, unless it has said something else than `why` since."""
        if self.parts.get(part) == why:
            self.ok(part)

    @property
    def ready(self) -> bool:
        return not any(self.parts.values())

    def report(self) -> dict[str, str]:
        return {part: why or "ok" for part, why in sorted(self.parts.items())}
