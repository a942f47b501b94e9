"""Figures of an agency, as tests read them. They are made up, unless a test says otherwise; the form is PxWebApi's."""

import json
from io import BytesIO
from typing import Any

import pytest

from schemas.statistics import OfficialStatisticImported
from services.gateway.connectors.shape import Found, Note, RefusedRow, Unreadable
from services.gateway.connectors.statistics import OfficialStatistics
from services.gateway.connectors.statistics_options import StatisticsOptions

Json = dict[str, Any]

OPTIONS: Json = {
    "operator_agency": "SCB",
    "source_table": "AM0207/BefDeSoSyssN",
    "register": "RAMS",
    "measures": {"ANDEL": {"series": "employment-rate-rams", "unit": "percent"}},
    "region": {"divisions": [{"kind": "DeSO", "version": "2018"}]},
    "population": "residents",
    "age": {"from": 20, "to": 64},
    "sex": "all",
}


def dataset(**changes: Any) -> Json:
    made: Json = {
        "version": "2.0",
        "class": "dataset",
        "label": "Förvärvsfrekvens",
        "source": "SCB",
        "updated": "2022-12-08T07:00:00Z",
        "role": {"time": ["Tid"], "metric": ["ContentsCode"], "geo": ["Region"]},
        "id": ["Region", "ContentsCode", "Tid"],
        "size": [2, 1, 2],
        "dimension": {
            "Region": {"label": "region", "category": {"index": {"0680A0010": 0, "0680A0020": 1}}},
            "ContentsCode": {
                "category": {"index": ["ANDEL"], "unit": {"ANDEL": {"base": "procent", "decimals": 1}}},
            },
            "Tid": {"category": {"index": {"2020": 0, "2021": 1}}},
        },
        "value": [61.5, 62.5, 71.5, 72.5],
    }
    return made | changes


def read(content: Json | str | bytes, **said: Any) -> list[Found | RefusedRow | Note]:
    body = (
        content
        if isinstance(content, bytes)
        else (json.dumps(content) if isinstance(content, dict) else content).encode()
    )
    return list(OfficialStatistics().read(BytesIO(body), "file", StatisticsOptions.model_validate(OPTIONS | said)))


def data(content: Json | str | bytes, **said: Any) -> list[OfficialStatisticImported]:
    all_said = read(content, **said)
    assert all(isinstance(one, Found) for one in all_said), all_said
    return [one.data for one in all_said if isinstance(one, Found) and isinstance(one.data, OfficialStatisticImported)]


def refused(content: Json | str | bytes, **said: Any) -> list[tuple[int, str]]:
    return [(one.row, one.field) for one in read(content, **said) if isinstance(one, RefusedRow)]


def unreadable(content: Json | str | bytes, **said: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        read(content, **said)
    return str(caught.value)
