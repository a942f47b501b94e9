"""Every measure that is recounted: importing the modules enters them."""

from tests.reporting import recount_areas, recount_company, recount_homes, recount_official, recount_work
from tests.reporting.recount import MEASURES

COUNTED = (recount_areas, recount_company, recount_homes, recount_official, recount_work)
EVERY_MEASURE = frozenset(MEASURES.known)
