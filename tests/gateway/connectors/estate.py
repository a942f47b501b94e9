"""A made-up landlord's export of leases, and the gateway that reads it."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.chassis.testkit import OPERATOR, Running, eventually

SOURCE = "urn:test:leases"
COLUMNS = (
    "Kontrakt",
    "Person",
    "Område",
    "Hus",
    "Lgh",
    "Inflyttad",
    "Avflyttad",
    "Namn",
    "E-post",
    "Mobil",
    "Språk",
    "Skydd",
)
CONFIGURED = f"""
kind: leases
publisher: landlord
source: {SOURCE}
options:
  columns:
    lease: Kontrakt
    tenant: Person
    area: Område
    building: Hus
    dwelling: Lgh
    moved_in: Inflyttad
    moved_out: Avflyttad
    name: Namn
    email: E-post
    phone: Mobil
    language: Språk
    protected: Skydd
  areas: {{Öxnehaga: oxnehaga, Råslätt: raslatt}}
"""
Row = dict[str, str]


def lease(number: int, **changed: str) -> Row:
    """A row of the export: lease K-<number> of person P-<number>, who is made up."""
    usual = (
        f"K-{number}", f"P-{number}", "Öxnehaga", f"h-{number % 7}", f"l-{number}", "2019-03-01", "",
        f"Test Testsson {number}", f"test{number}@example.se", "", "sv", "",
    )  # fmt: skip
    return dict(zip(COLUMNS, usual, strict=True)) | changed


def as_csv(rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=";", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@dataclass
class Estate:
    """The gateway with the connector `leases`, as an operator talks to it."""

    gateway: Running
    folder: Path

    async def order(self, rows: Sequence[Row] | bytes, *, dry: bool = False, name: str = "leases") -> int:
        body = rows if isinstance(rows, bytes) else as_csv(rows)
        answer = await self.gateway.client.post(
            f"/ops/gateway/connectors/{name}/runs",
            params={"filename": "leases.csv", "dry_run": dry},
            content=body,
            headers=OPERATOR,
        )
        assert answer.status_code == 202, answer.text
        return int(answer.json()["run"])

    async def ended(self, run: int, *, name: str = "leases") -> dict[str, Any]:
        async def probe() -> dict[str, Any]:
            answer = await self.gateway.client.get(f"/ops/gateway/connectors/{name}/runs/{run}", headers=OPERATOR)
            said: dict[str, Any] = answer.json()
            return {} if said["state"] in ("waiting", "running") else said

        return await eventually(f"run {run} to end", probe)

    async def run(self, rows: Sequence[Row] | bytes, *, dry: bool = False, name: str = "leases") -> dict[str, Any]:
        return await self.ended(await self.order(rows, dry=dry, name=name), name=name)

    async def operate(self, method: str, path: str) -> Any:
        answer = await self.gateway.client.request(method, f"/ops/gateway/connectors{path}", headers=OPERATOR)
        assert answer.is_success, answer.text
        return answer.json()

    async def register(self, publisher: str = "landlord", **agreed: Any) -> None:
        order = {
            "publisher": publisher,
            "owner": "Made-up unit",
            "contact": "unit@example.se",
            "allow": ["all"],
            **agreed,
        }
        answer = await self.gateway.client.post("/ops/gateway/publishers", json=order, headers=OPERATOR)
        assert answer.status_code == 201, answer.text
