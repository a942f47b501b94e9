"""Settings of reporting: HEM_REPORTING_… and what all services share."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from services.chassis.settings import ServiceSettings, prefix


class ReportingSettings(ServiceSettings):
    """The defaults suit one machine and a cluster alike."""

    model_config = prefix("reporting")

    batch: int = Field(6_000, ge=1, le=200_000, description="records applied in one transaction, at most")
    public_figures: Literal["published", "live"] | None = Field(
        None,
        description="what whoever isn't signed in sees: published, or on one machine (HEM_LOOPBACK) live; none: live there, "
        "else published",
    )

    goals: Path | None = Field(
        None, description="a folder of goal files beside those that come with reporting, looked at while it runs"
    )
    company: str = Field("", description="the housing company's name, as pages and reports say it")
    contact: str = Field(
        "",
        description="where readers write about the pages: an e-mail address or a page's; the accessibility statement",
    )

    @property
    def shows_live(self) -> bool:
        """Whether figures as they are counted now are shown without sign-in."""
        return self.loopback if self.public_figures is None else self.public_figures == "live"

    @field_validator("public_figures")
    @classmethod
    def _is_live_on_one_machine_only(cls, value: str | None, said: ValidationInfo) -> str | None:
        if value == "live" and not said.data.get("loopback"):
            raise ValueError("live figures are for people who are signed in; only one machine shows them to all")
        return value
