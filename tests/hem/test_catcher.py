"""The mail catcher by real SMTP and through its page."""

import asyncio
import os
import re
import smtplib
import sqlite3
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import httpx2
import pytest

from hem.catcher import PAGE_SIZE, CatcherSettings
from hem.mailbox import Mailbox
from hem.stack.folder import free_ports
from hem.supervisor import ServerProcess
from services.chassis.web.session import SESSION_COOKIE, seal_session

SECRET = "s" * 40


class Catcher(ServerProcess):
    """The catcher as `hem up` runs it, and a signed-in reader of its page."""

    def __init__(self, folder: Path) -> None:
        page, self.smtp = free_ports(2)
        self.folder = folder / "mail"
        environment = {
            "HEM_CATCHER_PORT": str(page),
            "HEM_CATCHER_SMTP_PORT": str(self.smtp),
            "HEM_CATCHER_FOLDER": str(folder / "mail"),
            "HEM_SESSION_SECRET": SECRET,
            "HEM_OPERATOR_TOKEN": SECRET,
            "HEM_LOOPBACK": "true",
        }
        argv = [sys.executable, "-m", "hem.catcher"]
        super().__init__("catcher", argv, port=page, env=os.environ | environment, log=folder / "catcher.log")
        settings = CatcherSettings.model_validate(
            {
                "HEM_SESSION_SECRET": SECRET,
                "HEM_OPERATOR_TOKEN": SECRET,
                "smtp_port": self.smtp,
                "folder": folder,
                "master_key": b64encode(bytes(32)).decode(),
            }
        )
        session = seal_session(settings, "staff", ["area_staff"], datetime.now(UTC))
        self.anonymous = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{page}")
        self.reader = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{page}", cookies={SESSION_COOKIE: session})

    async def send(self, message: EmailMessage) -> None:
        def converse() -> None:
            with smtplib.SMTP("127.0.0.1", self.smtp, timeout=10) as smtp:
                smtp.send_message(message)

        await asyncio.to_thread(converse)


def mail(
    number: int, *, to: str = "amina@mail.example", html: str = "<p dir=rtl>مرحبا</p><script>alert(1)</script>"
) -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"] = f"<offer-{number}@hem.example>"
    message["From"] = "hem@vatterhem.example"
    message["To"] = to
    message["Subject"] = f"Välkommen hem {number}"
    message.set_content("Hej <b>du</b>")
    message.add_alternative(html, subtype="html")
    return message


@pytest.fixture
async def catcher(tmp_path: Path) -> AsyncIterator[Catcher]:
    catcher = Catcher(tmp_path)
    await catcher.start()
    async with catcher.anonymous, catcher.reader:
        yield catcher
    await catcher.stop()


async def test_repeats_of_one_message_are_folded_and_a_kill_keeps_them(catcher: Catcher) -> None:
    await catcher.send(mail(1))
    await catcher.send(mail(1))
    await catcher.send(mail(2, to="bo@mail.example"))

    catcher.kill()
    await catcher.wait()
    await catcher.start()
    await catcher.send(mail(1))

    rows = (await catcher.reader.get("/mail/messages")).json()
    assert [(row["message_id"], row["times"]) for row in rows] == [
        ("<offer-1@hem.example>", 3),
        ("<offer-2@hem.example>", 1),
    ]
    only_bo = (await catcher.reader.post("/mail", data={"to": "BO@"})).text
    assert "bo@mail.example" in only_bo
    assert "amina@mail.example" not in only_bo
    assert 'method="post" action="/mail"' in only_bo
    assert (await catcher.anonymous.post("/mail", data={"to": "BO@"})).status_code == 401


async def test_repeat_to_another_recipient_shows(catcher: Catcher) -> None:
    await catcher.send(mail(1))
    await catcher.send(mail(1))
    await catcher.send(mail(1, to="amina@mail.example, bo@mail.example"))
    await catcher.send(mail(1, to="cecilia@mail.example"))

    rows = (await catcher.reader.get("/mail/messages")).json()
    assert [(row["recipient"], row["times"]) for row in rows] == [
        ("amina@mail.example", 3),
        ("bo@mail.example", 1),
        ("cecilia@mail.example", 1),
    ]


async def test_search_goes_on_to_older_mails(catcher: Catcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.smtp, timeout=10) as smtp:
        for number in range(PAGE_SIZE + 2):
            smtp.sendmail("x@hem.example", f"n{number}@mail.example", f"Subject: {number}\r\n\r\n".encode())
    first = (await catcher.reader.post("/mail", data={"to": "@mail"})).text
    older = re.search(r'<button name="before" value="(\d+)"', first)
    assert older is not None
    rest = (await catcher.reader.post("/mail", data={"to": "@mail", "before": older[1]})).text
    assert re.findall(r"n(\d+)@mail\.example", rest) == ["1", "0"]


async def test_source_is_what_came(catcher: Catcher) -> None:
    odd = b"subject:  odd   \r\nX-Raw: \xff\xe5\r\nMessage-ID: <a\r\n b@hem.example>\r\n\r\nbody \xe5\r\n"
    with smtplib.SMTP("127.0.0.1", catcher.smtp, timeout=10) as smtp:
        smtp.sendmail("x@hem.example", "amina@mail.example", odd)
    assert (await catcher.reader.get("/mail/1/source")).content == odd


def test_file_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mail.sqlite") as earlier:
        earlier.execute(
            "CREATE TABLE mail (number INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, recipient TEXT NOT NULL, sender TEXT NOT NULL, "
            "subject TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1, first_at TEXT NOT NULL, last_at TEXT NOT NULL, source BLOB NOT NULL)"
        )
        when = "2026-11-22T05:00:00+00:00"
        earlier.execute("INSERT INTO mail VALUES (7, '<1@x>', 'a@x', 'h@x', 'Hej', 2, ?, ?, x'00')", (when, when))
    earlier.close()

    mailbox = Mailbox(tmp_path)
    mailbox.keep(b"Message-ID: <1@x>\r\n\r\n", "h@x", ["a@x", "b@x"], datetime.now(UTC))
    mailbox.close()
    mailbox = Mailbox(tmp_path)
    assert [(m.number, m.recipient, m.times) for m in mailbox.newest(None)] == [(8, "b@x", 1), (7, "a@x", 3)]
    mailbox.close()


async def test_pages_show_the_mail_and_let_its_html_do_nothing(catcher: Catcher) -> None:
    await catcher.send(mail(1))

    listing = await catcher.reader.get("/mail")
    shown = await catcher.reader.get("/mail/1")
    html = await catcher.reader.get("/mail/1/html")

    assert "Välkommen hem 1" in listing.text
    assert "Hej &lt;b&gt;du&lt;/b&gt;" in shown.text
    assert '<iframe src="/mail/1/html"' in shown.text
    assert "مرحبا" in html.text
    assert (catcher.folder / "mail.sqlite").stat().st_mode & 0o077 == 0
    assert html.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert (await catcher.reader.get("/mail/99")).status_code == 404


async def test_pages_are_closed_to_those_not_signed_in(catcher: Catcher) -> None:
    await catcher.send(mail(1))
    for path in ("/mail", "/mail/messages", "/mail/1", "/mail/1/html", "/mail/1/source"):
        assert (await catcher.anonymous.get(path)).status_code == 401, path


async def test_some_domains_are_refused_for_ever_or_for_now(catcher: Catcher) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as for_ever:
        await catcher.send(mail(1, to="someone@refused.example"))
    with pytest.raises(smtplib.SMTPRecipientsRefused) as for_now:
        await catcher.send(mail(2, to="someone@busy.example"))

    assert for_ever.value.recipients["someone@refused.example"][0] == 550
    assert for_now.value.recipients["someone@busy.example"][0] == 451
    assert (await catcher.reader.get("/mail/messages")).json() == []
