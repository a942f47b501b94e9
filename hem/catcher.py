"""The mail catcher of one machine: takes every mail by real SMTP, sends none on, and shows them at /mail.

`python -m hem.catcher` reads HEM_CATCHER_PORT (the page), HEM_CATCHER_SMTP_PORT, HEM_CATCHER_FOLDER and the shared settings.
To try what a mail server can do, it refuses by the recipient's domain: see REFUSED.
"""

import asyncio
import os
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI, Form, Query, Request
from pydantic import Field, SecretStr
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from hem.mailbox import Mail, Mailbox, parse, parts_of
from services.chassis.settings import HIGHEST_PORT, ServiceSettings, load, prefix
from services.chassis.web import Permission, Router, install, page, translations

REFUSED = {
    "refused.example": "550 5.1.1 No such person here (refused.example is always refused)",
    "busy.example": "451 4.3.0 Try again later (busy.example is always busy)",
}
PAGE_SIZE = 100
HERE = Path(__file__).parent
# Only on the page that frames a mail, and on the mail itself: no script, nothing fetched, no form.
FRAMING_POLICY = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


class CatcherSettings(ServiceSettings):
    """The catcher keeps its mail in a file: of the shared settings it uses those of the pages."""

    model_config = prefix("catcher")
    smtp_port: int = Field(ge=1, le=HIGHEST_PORT, description="port that takes mail")
    folder: Path = Field(description="where caught mail is kept")
    # It has no database and meets no person's key.
    database_url: str = Field("", validate_default=False)
    master_key: SecretStr = Field(default_factory=lambda: SecretStr(b64encode(secrets.token_bytes(32)).decode()))
    kafka_servers: str = Field("", validate_default=False)


class Catch:
    """What aiosmtpd asks about each conversation; a mail is in the file before the sender gets its 250."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse by domain, for ever or for now; take everything else."""
        if refusal := REFUSED.get(address.rpartition("@")[2].rstrip(">").lower()):
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        self.mailbox.keep(content, envelope.mail_from or "", envelope.rcpt_tos, datetime.now(UTC))
        return "250 OK, caught"


router = Router()


@router.get("/mail", permission=Permission.HOUSEHOLDS)
async def mails(request: Request, before: Annotated[int | None, Query(ge=1)] = None) -> Response:
    """The caught mails, newest first; one line for each Message-ID and recipient."""
    return _listed(request, before, "")


@router.post("/mail", permission=Permission.HOUSEHOLDS)
async def search(
    request: Request,
    to: Annotated[str, Form(max_length=320)] = "",
    before: Annotated[int | None, Form(ge=1)] = None,
) -> Response:
    """Those whose recipient holds `to`. Asked for in a body: an address in an address is kept by every browser."""
    return _listed(request, before, to)


@router.get("/mail/messages", permission=Permission.HOUSEHOLDS)
async def messages(request: Request) -> Response:
    """All caught mails as JSON, oldest first: `[{number, message_id, recipient, subject, times, first_at, last_at}]`."""
    mailbox: Mailbox = request.app.state.mailbox
    rows = [
        {
            "number": mail.number,
            "message_id": mail.message_id,
            "recipient": mail.recipient,
            "subject": mail.subject,
            "times": mail.times,
            "first_at": mail.first_at.isoformat(),
            "last_at": mail.last_at.isoformat(),
        }
        for mail in reversed(mailbox.newest(None))
    ]
    return JSONResponse(rows)


@router.get("/mail/{number}", permission=Permission.HOUSEHOLDS)
async def mail(request: Request, number: int) -> Response:
    """One mail: who, when, its text and its HTML in a frame that can do nothing."""
    found, message = _open(request, number)
    text, html = parts_of(message)
    answer = page(
        request,
        "mail_message.html",
        crumbs=[(translations(request).gettext("Mail"), "/mail")],
        mail=found,
        language_of_mail=str(message.get("Content-Language", "")),
        text=text,
        has_html=html is not None,
    )
    answer.headers["content-security-policy"] = FRAMING_POLICY
    return answer


@router.get("/mail/{number}/html", permission=Permission.HOUSEHOLDS)
async def mail_html(request: Request, number: int) -> Response:
    """The HTML part as it was sent, under a policy that lets it run, fetch and send nothing."""
    _, html = parts_of(_open(request, number)[1])
    if html is None:
        raise HTTPException(404)
    return Response(html, media_type="text/html", headers={"content-security-policy": MAIL_POLICY})


@router.get("/mail/{number}/source", permission=Permission.HOUSEHOLDS)
async def mail_source(request: Request, number: int) -> Response:
    """The mail as it came over SMTP."""
    return Response(_find(request, number)[1], media_type="text/plain; charset=utf-8")


@router.get("/health/ready", permission=Permission.PUBLIC)
async def ready() -> Response:
    """Always 200: a catcher that answers can catch."""
    return JSONResponse({"status": "ready"})


def build(settings: CatcherSettings) -> FastAPI:
    """The app with the page and, while it lives, the SMTP server."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        mailbox = Mailbox(settings.folder)
        app.state.mailbox = mailbox
        catch = Catch(mailbox)
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(catch, hostname="mail.hem.example", enable_SMTPUTF8=True), "127.0.0.1", settings.smtp_port
        )
        try:
            yield
        finally:
            server.close()
            mailbox.close()

    app = FastAPI(openapi_url=None, lifespan=lifespan)
    install(
        app,
        settings=settings,
        service_name="catcher",
        now=lambda: datetime.now(UTC),
        templates_dir=HERE / "templates",
        locales_dir=HERE / "locales",
    )
    app.include_router(router)
    return app


def _listed(request: Request, before: int | None, to: str) -> Response:
    mailbox: Mailbox = request.app.state.mailbox
    found = mailbox.newest(PAGE_SIZE + 1, before=before, to=to)
    shown = found[:PAGE_SIZE]
    older = shown[-1].number if len(found) > PAGE_SIZE else None
    return page(request, "mail.html", mails=shown, older=older, to=to, counts=mailbox.counts())


def _open(request: Request, number: int) -> tuple[Mail, EmailMessage]:
    found, source = _find(request, number)
    return found, parse(source)


def _find(request: Request, number: int) -> tuple[Mail, bytes]:
    mailbox: Mailbox = request.app.state.mailbox
    found = mailbox.find(number)
    if found is None:
        raise HTTPException(404)
    return found


def main() -> None:
    os.umask(0o077)
    settings = load(CatcherSettings)
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
