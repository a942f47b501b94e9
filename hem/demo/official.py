"""Official statistics: real ones read by connectors, and made-up ones of the years for which there are no real ones here.

The real ones are of 2020 to 2022. Those of 2016 to 2019 are made up and say so: in the agency, the table, the version of
the regions (so that a break stands between them and the real ones) and a note.
"""

import shutil
import time
from datetime import date
from pathlib import Path

from hem.demo.telling import Teller
from hem.door import Door, DoorError
from schemas.fields import RegionKind
from schemas.statistics import OfficialStatisticImported

REAL = Path(__file__).with_name("statistics")
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "connectors"
CONNECTORS = (
    (EXAMPLES / "employment-voting-districts-2021.yaml", EXAMPLES / "employment-by-voting-district-jonkoping-2021.csv"),
    (EXAMPLES / "employment-municipality-2022.yaml", EXAMPLES / "employment-municipality-2022.json"),
    (REAL / "employment-foreign-born.yaml", REAL / "employment-foreign-born.csv"),
)
API = "/ops/gateway/connectors"
READ_WITHIN = 60.0
PUBLISHER, OWNER, CONTACT = "statistics-import", "Statistics import", "statistics@example.com"

YEARS = (2016, 2017, 2018, 2019)
# Made-up region → residents of 20 to 64 years, and how many of a thousand of them worked, by year.
AREA_RATES: dict[str, tuple[int, tuple[int, int, int, int]]] = {
    "oxnehaga-norra": (1800, (508, 516, 524, 531)),
    "oxnehaga-sodra": (1500, (531, 540, 548, 561)),
    "raslatt-hela": (3000, (472, 481, 489, 506)),
    "osterangen-hela": (1500, (502, 500, 508, 510)),
    "ekhagen-hela": (1800, (641, 648, 655, 659)),
    "soder-hela": (2100, (764, 768, 771, 777)),
    "vaster-hela": (3000, (781, 786, 792, 794)),
    "oster-hela": (2400, (801, 806, 811, 815)),
    "rosenlund-hela": (1300, (792, 797, 803, 806)),
    "huskvarna-hela": (3900, (774, 779, 783, 788)),
    "bankeryd-hela": (1900, (836, 841, 847, 0)),
}
"""0: the agency has no value for it."""
MUNICIPALITY = "0680"
MUNICIPAL_RATES = (78_000, (781, 786, 790, 793))
FOREIGN_BORN = {"women": (9_400, (541, 556, 572, 585)), "men": (9_800, (628, 641, 655, 664))}
NOTE = "Påhittad siffra, för att prova Hem. Made-up figure, to try Hem out with."


def made_up(teller: Teller) -> None:
    """Observations of 2016 to 2019, each published in November of the year after."""
    for place, year in enumerate(YEARS):
        for region, (residents, rates) in AREA_RATES.items():
            _tell(teller, region, year, residents, rates[place])
        _tell(teller, MUNICIPALITY, year, MUNICIPAL_RATES[0], MUNICIPAL_RATES[1][place])
        for sex, (residents, rates) in FOREIGN_BORN.items():
            _tell(teller, MUNICIPALITY, year, residents, rates[place], sex=sex, birth_region="foreign-born")


def _tell(teller: Teller, region: str, year: int, residents: int, rate: int, **group: str) -> None:
    workers = residents * rate // 1000
    published = date(year + 1, 11, 28)
    value = (
        {"value": round(100 * workers / residents, 1), "numerator": workers, "denominator": residents} if rate else {}
    )
    kind: RegionKind = "municipality" if region == MUNICIPALITY else "other"
    said = {
        "series": "employment-rate-rams", "source_table": "made-up", "register": "RAMS", "operator_agency": "made-up",
        "region_code": region, "region_kind": kind, "region_version": "made-up", "population": "residents",
        "age_from": 20, "age_to": 64, "sex": "all", "period": str(year), "status": "final" if rate else "missing",
        "unit": "percent", "published_on": published, "revision": 0, "notes": (NOTE,),
    }  # fmt: skip
    teller.say(OfficialStatisticImported, published, **{**said, **group, **value})


def read_real(door: Door, connectors: Path) -> None:
    """Set up the connectors of the real figures in the folder that the gateway looks in, and have each read its file."""
    connectors.mkdir(parents=True, exist_ok=True)
    for told, figures in CONNECTORS:
        shutil.copy(told, connectors / told.name)
        path = f"{API}/{told.stem}/runs"
        with figures.open("rb") as content:
            order = door.operate("POST", path, params={"filename": figures.name}, file=content)
        _until_read(door, f"{path}/{order['run']}", figures.name)


def _until_read(door: Door, run: str, name: str) -> None:
    deadline = time.monotonic() + READ_WITHIN
    while True:
        said = door.operate("GET", run)
        if said["state"] == "done":
            return
        if said["state"] not in {"waiting", "running"} or time.monotonic() > deadline:
            raise DoorError(
                f"The figures of {name} could not be read: {said['state']} {said.get('wrong') or ''}".rstrip()
            )
        time.sleep(0.1)
