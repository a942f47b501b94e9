"""One conversation with the mail server: what is said to it, and what its answers mean."""

import asyncio
import platform
import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8 as UTF8_POLICY
from email.utils import format_datetime
from typing import Literal

import aiosmtplib

from services.notifications.domain import MessageId
from services.notifications.letters import Letter
from services.notifications.settings import NotificationsSettings

STEP_SECONDS = 30.0  # for one answer of the server
TRY_SECONDS = 100.0  # for a whole message; shorter than its lease
# "Sign in first", "not allowed from here", "closing down": said about us, whichever command they answer.
ABOUT_US = {421, 530, 534, 535, 538}
FULL = re.compile(r"\b[45]\.2\.2\b")
UNKNOWN = re.compile(r"\b5\.1\.[01236]\b")

Reason = Literal["address_refused", "address_unknown", "mailbox_full", "message_refused", "expired"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server has taken the message."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server never takes mail for this address."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class NotNow:
    """Not this message now; another may go. `reason`: what to say if it never goes."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Down:
    """The server is not there, or doesn't work for us. No message is to blame. `what` has no personal data."""

    what: str


Answer = Accepted | Refused | NotNow | Down


@dataclass(frozen=True, slots=True)
class Envelope:
    """An address as the server wants it: the domain in ASCII; `utf8` when the part before @ isn't ASCII."""

    address: str
    utf8: bool


def envelope(address: str) -> Envelope | None:
    """None for an address no mail can go to."""
    local, _, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    if not local or not domain or re.search(r"[\s\x00-\x1f\x7f<>\"@(),:;\\\[\]]", local):
        return None
    if not re.fullmatch(r"[A-Za-z0-9.-]+", ascii_domain):
        return None
    return Envelope(f"{local}@{ascii_domain}", utf8=not local.isascii())


def compose(
    letter: Letter, to: Envelope, message: MessageId, *, sender: str, landlord: str, written_at: datetime
) -> EmailMessage:
    """The message as it goes out: a text and an HTML part, and a Message-ID that is the same at every try."""
    policy = UTF8_POLICY if to.utf8 else SMTP_POLICY
    mail = EmailMessage(policy=policy.clone(cte_type="7bit"))  # servers that take no 8-bit bodies are still about
    mail["Message-ID"] = f"<{message}@{sender.rpartition('@')[2]}>"
    mail["Date"] = format_datetime(written_at)
    mail["From"] = Address(display_name=landlord, addr_spec=sender)
    mail["To"] = to.address
    mail["Subject"] = letter.subject
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    mail["Content-Language"] = letter.language  # last: making parts moves Content-… headers into the first
    return mail


class Conversation:
    """A connection that is kept from message to message and made again when it is lost."""

    def __init__(self, settings: NotificationsSettings) -> None:
        self._settings = settings
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, mail: EmailMessage, to: Envelope) -> Answer:
        """Never raises because of the server: whatever it does is one of the answers."""
        try:
            async with asyncio.timeout(TRY_SECONDS):
                answer = await self._send(mail, to)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            answer = _meaning(error)
        if isinstance(answer, Down):
            self.hang_up()
        return answer

    def hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _send(self, mail: EmailMessage, to: Envelope) -> Answer:
        client = await self._connected()
        options = ["SMTPUTF8"] if to.utf8 else []
        try:
            await client.sendmail(self._settings.smtp_from, [to.address], mail.as_bytes(), mail_options=options)
        except (aiosmtplib.SMTPNotSupported, ValueError):  # an address this server, or any, can't be given
            return Refused("address_refused")
        return Accepted()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        settings = self._settings
        password = settings.smtp_password
        self._client = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            local_hostname=platform.node() or "localhost",  # the default asks the name servers, and waits for them
            timeout=STEP_SECONDS,
        )
        await self._client.connect()
        return self._client


def _meaning(error: Exception) -> Answer:
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return _about_the_address(first.code, first.message)
        case aiosmtplib.SMTPDataError(code=code) if code not in ABOUT_US and code >= 500:
            return NotNow("message_refused")
        case aiosmtplib.SMTPResponseException(code=code):
            return Down(f"{type(error).__name__} {code}")
        case _:
            return Down(type(error).__name__)


def _about_the_address(code: int, said: str) -> Answer:
    if code in ABOUT_US:
        return Down(f"SMTPRecipientsRefused {code}")
    reason: Reason = "address_refused"
    if code in {452, 552} or FULL.search(said):
        reason = "mailbox_full"
    elif UNKNOWN.search(said):
        reason = "address_unknown"
    if code >= 500:
        return Refused(reason)
    return NotNow(reason if reason == "mailbox_full" else "expired")
