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

import aiosmtplib

from services.chassis.errors import describe
from services.notifications.domain import FailureReason, MessageId
from services.notifications.letters import Letter
from services.notifications.settings import NotificationsSettings

STEP_SECONDS = 30.0  # for one answer of the server
TRY_SECONDS = 100.0  # for a whole message
# Whichever sender and server: a Message-ID stays the same when the address that letters come from changes.
MESSAGE_ID_DOMAIN = "hem.invalid"
# "Closing down", "sign in first", "this kind of sign-in won't do": the server doesn't work for us, whatever was asked.
NO_SERVICE = {421, 530, 534, 535, 538}
# RFC 3463: class, subject, detail. Some servers put # before it.
ENHANCED_STATUS = re.compile(r"\s*#?([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")
UNKNOWN = {"0", "1", "2", "3", "6"}  # of X.1: nobody there, or nothing by that name
# Without a status, "we refuse you" is told from "we refuse that address" by the words.
ABOUT_US = re.compile(
    r"relay|block|black-?list|\blisted\b|\b(dns|r)bl\b|spam|policy|reputation|sender|helo|authenti|access denied"
    r"|\bspf\b|dkim|dmarc|quota|rate limit|too many",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server has taken the message."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server never takes mail for this address."""

    reason: FailureReason


@dataclass(frozen=True, slots=True)
class NotNow:
    """Not this message now. `reason`: what to say if it never goes. `pause`: the next would hear the same at once."""

    reason: FailureReason
    pause: bool


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
    # "=?" begins an encoded word, which the header would be read as (RFC 2047).
    if not local or not domain or "=?" in local or re.search(r"[\s\x00-\x1f\x7f<>\"@(),:;\\\[\]]", local):
        return None
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", ascii_domain):  # what looks like a dot has become one
        return None
    return Envelope(f"{local}@{ascii_domain}", utf8=not local.isascii())


def compose(
    letter: Letter,
    to: Envelope,
    message: MessageId,
    *,
    sender: str,
    landlord: str,
    written_at: datetime,
    stop: str | None = None,
) -> EmailMessage:
    """The message as it goes out: a text and an HTML part, and a Message-ID that is the same at every try.

    `stop`: the address that ends such mails for their reader, where there is one.
    Raises ValueError where a part of it can't be in a mail.
    """
    policy = UTF8_POLICY if to.utf8 else SMTP_POLICY
    mail = EmailMessage(policy=policy.clone(cte_type="7bit"))  # servers that take no 8-bit bodies are still about
    mail["Message-ID"] = f"<{message}@{MESSAGE_ID_DOMAIN}>"
    mail["Date"] = format_datetime(written_at)
    mail["From"] = Address(display_name=landlord, addr_spec=sender)
    mail["To"] = to.address
    mail["Subject"] = letter.subject
    mail["Auto-Submitted"] = "auto-generated"
    if stop is not None:
        mail["List-Unsubscribe"] = f"<{stop}>"
        if stop.startswith("https:"):  # RFC 8058
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    mail["Content-Language"] = letter.language  # last: making parts moves Content-… headers into the first
    return mail


class Conversation:
    """A connection that is kept from message to message and made again when it is lost."""

    def __init__(self, settings: NotificationsSettings) -> None:
        self._settings = settings
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, mail: bytes, to: Envelope) -> Answer:
        """Never raises because of the server: whatever it does is one of the answers."""
        try:
            async with asyncio.timeout(TRY_SECONDS):
                answer = await self._send(mail, to)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            answer = meaning_of(error)
        if isinstance(answer, Down):
            self.hang_up()
        return answer

    def hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _send(self, mail: bytes, to: Envelope) -> Answer:
        client = await self._connected()
        options = ["SMTPUTF8"] if to.utf8 else []
        try:
            await client.sendmail(self._settings.smtp_from, [to.address], mail, mail_options=options)
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


def meaning_of(error: Exception) -> Answer:
    """What became of the message when the conversation ended in `error`."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return _about_the_recipient(first.code, first.message)
        case aiosmtplib.SMTPDataError(code=code) if code not in NO_SERVICE:
            return NotNow("message_refused" if code >= 500 else "expired", pause=True)
        case aiosmtplib.SMTPResponseException(code=code):
            return Down(f"{type(error).__name__} {code}")
        case _:
            return Down(describe(error))


def _about_the_recipient(code: int, said: str) -> Answer:
    """Final is only what is said of the address. Anything else may be said of us while the address is good."""
    if code in NO_SERVICE:
        return Down(f"SMTPRecipientsRefused {code}")
    status = ENHANCED_STATUS.match(said)
    kind, subject, detail = status.groups() if status else ("", "", "")
    is_full = (subject, detail) == ("2", "2") if status else code in {452, 552}
    if code < 500:
        return NotNow("mailbox_full" if is_full else "expired", pause=False)
    if status:  # X.1.7 and X.1.8 are about the sender's address
        is_final = kind == "5" and subject in {"1", "2"} and (subject, detail) not in {("1", "7"), ("1", "8")}
    else:
        is_final = code in {550, 551, 553} and not ABOUT_US.search(re.sub(r"\S*@\S*", "", said))
    if not is_final:
        return NotNow("mailbox_full" if is_full else "expired", pause=not is_full)
    if is_full:
        return Refused("mailbox_full")
    return Refused("address_unknown" if subject == "1" and detail in UNKNOWN else "address_refused")
