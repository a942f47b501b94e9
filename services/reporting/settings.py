"""Settings of reporting: HEM_REPORTING_… and what all services share."""

from pydantic import Field

from services.chassis.settings import ServiceSettings, prefix


class ReportingSettings(ServiceSettings):
    """The defaults suit one machine and a cluster alike."""

    model_config = prefix("reporting")

    batch: int = Field(6_000, ge=1, le=200_000, description="records applied in one transaction, at most")
