"""What households read: whole in one language, right to left where that is how it is read, and safe whatever a name holds."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from aiosmtplib.email import parse_address
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import EMAIL
from services.notifications import letters
from services.notifications.domain import MessageId
from services.notifications.letters import Letter, Letters
from services.notifications.smtp import Envelope, compose, envelope

SERVICE = Path(letters.__file__).parents[1]


def introduction(wanted: str, name: str = "Amina Ek") -> Letter:
    return Letters().introduction(name=name, wanted=wanted, landlord="Vätterhem")


def test_letters_are_offered_in_swedish_english_and_arabic() -> None:
    assert set(Letters().languages) == {"sv", "en", "ar"}


@pytest.mark.parametrize(
    ("wanted", "written"),
    [("sv", "sv"), ("sv-FI", "sv"), ("ar", "ar"), ("ar-SY", "ar"), ("en-GB", "en"), ("so", "en"), ("zh-Hant", "en")],
)
def test_the_reader_gets_their_language_or_english(wanted: str, written: str) -> None:
    letter = introduction(wanted)
    assert letter.language == written
    told = "language you chose" in letter.text
    assert told == (wanted in {"so", "zh-Hant"}), "who gets another language than their own is told"
    assert ("language you chose" in letter.html) == told


@pytest.mark.parametrize("language", ["sv", "ar"])
def test_no_letter_is_half_in_another_language(language: str) -> None:
    english, letter = introduction("en"), introduction(language)
    kept = {line for line in letter.text.splitlines() if line.strip()} & set(english.text.splitlines())
    assert kept == {"Vätterhem", "-- "}


def test_a_catalogue_with_a_text_missing_is_not_used(tmp_path: Path) -> None:
    for language in ("sv", "en", "ar"):
        text = (SERVICE / "locales" / language / "messages.po").read_text()
        if language == "ar":
            text = text.replace('msgstr "فرز النفايات"', 'msgstr ""')
        (tmp_path / language).mkdir()
        (tmp_path / language / "messages.po").write_text(text)
    assert Letters(tmp_path).languages == ("en", "sv")
    assert Letters(tmp_path).language_for("ar") == "en"
    (tmp_path / "en" / "messages.po").unlink()
    assert Letters(tmp_path).language_for("ar") == "sv"


def test_arabic_goes_from_right_to_left() -> None:
    letter = introduction("ar")
    assert '<html lang="ar" dir="rtl">' in letter.html
    assert "text-align:left" not in letter.html
    assert "<bdi>Amina Ek</bdi>" in letter.html


@pytest.mark.parametrize(
    ("language", "name", "greeting"),
    [
        ("ar", "Amina Ek", "مرحبًا \u2068Amina Ek\u2069،"),
        ("ar", "أمينة", "مرحبًا أمينة،"),
        ("sv", "Amina Ek", "Hej Amina Ek!"),
        ("sv", "أمينة", "Hej \u2068أمينة\u2069!"),
    ],
)
def test_a_name_that_runs_the_other_way_stays_in_its_place(language: str, name: str, greeting: str) -> None:
    assert introduction(language, name).text.splitlines()[0] == greeting


def test_a_name_is_text_and_nothing_else() -> None:
    letter = introduction("sv", name='<b onclick="x">%(landlord)s {{ 7*7 }}')
    assert "<b onclick" not in letter.html
    assert "&lt;b onclick=&#34;x&#34;&gt;%(landlord)s {{ 7*7 }}" in letter.html
    assert 'Hej <b onclick="x">%(landlord)s {{ 7*7 }}!' in letter.text


def mail(letter: Letter, to: str = "amina@example.se") -> EmailMessage:
    address = envelope(to)
    assert address is not None
    composed = compose(
        letter,
        address,
        MessageId("abc"),
        sender="hem@example.se",
        landlord="Vätterhem",
        written_at=datetime(2019, 3, 1, 12, tzinfo=UTC),
    )
    return message_from_bytes(composed.as_bytes(), policy=default)


@pytest.mark.parametrize("language", ["sv", "en", "ar"])
def test_a_mail_carries_both_parts_and_says_what_it_is(language: str) -> None:
    letter = introduction(language)
    read = mail(letter)
    assert read["Message-ID"] == "<abc@hem.invalid>", "whatever address letters come from"
    assert read["Content-Language"] == language
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["From"] == "Vätterhem <hem@example.se>"
    assert read["Subject"] == letter.subject
    assert read["Date"].datetime == datetime(2019, 3, 1, 12, tzinfo=UTC)
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == letter.text
    assert html.get_content().replace("\r\n", "\n") == letter.html
    assert len(read.as_bytes()) < 20_000
    assert all(len(line) <= 998 and line.isascii() for line in read.as_bytes().splitlines())


@pytest.mark.parametrize(
    ("address", "given"),
    [
        ("amina@example.se", Envelope("amina@example.se", utf8=False)),
        ("amina+hem@exämple.se", Envelope("amina+hem@xn--exmple-cua.se", utf8=False)),
        ("åsa@example.se", Envelope("åsa@example.se", utf8=True)),
        ("", None),
        ("amina", None),
        ("a@b@example.se", None),
        ("amina@example.se\r\nBcc: all@example.se", None),
        ("amina\r\nRCPT TO:<x@example.se>@example.se", None),
        ("amina <x@example.se>", None),
        ("amina@", None),
        ("@example.se", None),
        ("amina@exa mple.se", None),
        ("amina@" + "ö" * 70 + ".se", None),
        ("amina@..se", None),
        ("=?utf-8?q?a=0abcc=3a?=@x.se", None),
    ],
)
def test_an_address_is_taken_as_mail_takes_it_or_not_at_all(address: str, given: Envelope | None) -> None:
    assert envelope(address) == given


@given(st.from_regex(EMAIL, fullmatch=True).filter(lambda address: len(address) <= 254))
@settings(max_examples=300, deadline=None)
def test_whatever_address_the_schema_lets_in_makes_a_mail_to_it_or_none(address: str) -> None:
    to = envelope(address)
    if to is None:
        return
    assert to.utf8 or to.address.isascii()
    assert parse_address(to.address) == to.address, "it goes to the address that was given"
    read = mail(introduction("sv"), address)
    assert read.keys().count("To") == 1
    assert str(read["To"]).encode("utf-8", "surrogateescape").decode() == to.address


def test_every_text_is_in_the_catalogues_and_nothing_else_is() -> None:
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    used = {
        message[0] if isinstance(message, tuple) else message
        for _, _, message, _, _ in extract_from_dir(SERVICE, methods, keywords={"_": None, "N_": None, "gettext": None})
    }
    swedish = catalogue("sv")
    assert {text: "?" for text in used if text not in swedish} == {}
    assert swedish.keys() - used == set()
    assert all(swedish.values()), "a text without translation"
    assert catalogue("ar").keys() == set(letters.TEXTS)


def catalogue(language: str) -> dict[str, str]:
    with (SERVICE / "locales" / language / "messages.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale=language) if m.id}
