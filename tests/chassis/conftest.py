"""The echo service, and move-ins for it to hear."""

from datetime import date

import pytest

from schemas.tenancy import TenantMovedIn
from tests.chassis.echo import Echo, MoveIn


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def move_in() -> MoveIn:
    def make(tenancy: str = "t-1", area: str = "oxnehaga") -> TenantMovedIn:
        return TenantMovedIn(
            tenancy_id=tenancy,
            tenant_ref=f"ref-{tenancy}",
            area_id=area,
            moved_in_on=date(2019, 3, 1),
            contact_rule="any",
        )

    return make
