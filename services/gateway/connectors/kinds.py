"""The kinds of connector there are."""

from collections.abc import Mapping
from typing import Final

from services.gateway.connectors.leases import LeaseSnapshot
from services.gateway.connectors.shape import Kind
from services.gateway.connectors.spreadsheet import Spreadsheet
from services.gateway.connectors.statistics import OfficialStatistics

KINDS: Final[Mapping[str, Kind | LeaseSnapshot]] = {
    kind.name: kind for kind in (LeaseSnapshot(), OfficialStatistics(), Spreadsheet())
}
