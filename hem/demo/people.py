"""Made-up households: a name, a language and an address at a domain that can't receive mail anywhere."""

import unicodedata
from dataclasses import dataclass
from random import Random

# Language → how many of a hundred choose it, first names, last names.
VOICES: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {
    "sv": (
        52,
        ("Anna", "Erik", "Karin", "Lars", "Maja", "Oskar", "Ingrid", "Nils", "Elsa", "Göran", "Åsa", "Björn"),
        ("Lindqvist", "Ekdahl", "Sjögren", "Åberg", "Norling", "Holmstedt", "Rydell", "Östlund"),
    ),
    "ar": (
        15,
        ("أمينة", "عمر", "ليلى", "يوسف", "مريم", "خالد", "نور", "سامي"),
        ("الحداد", "النجار", "العلي", "الخطيب", "المصري"),
    ),
    "en": (9, ("Grace", "Samuel", "Joy", "David", "Ruth", "Peter"), ("Okoro", "Mensah", "Fernandes", "Thapa")),
    "so": (7, ("Amina", "Abdi", "Hodan", "Yusuf", "Fadumo", "Cabdi"), ("Warsame", "Jaamac", "Nuur", "Faarax")),
    "bs": (5, ("Amra", "Emir", "Lejla", "Haris"), ("Begić", "Hodžić", "Delić")),
    "fa": (4, ("زهرا", "رضا", "فاطمه", "علی"), ("رضایی", "کریمی", "احمدی")),
    "ti": (4, ("ሰላም", "ዳዊት", "ሚርያም", "ዮሴፍ"), ("ተስፋይ", "ሃይለ", "ገብረ")),
    "pl": (4, ("Agnieszka", "Tomasz", "Ewa", "Paweł"), ("Wójcik", "Zając", "Mazur")),
}
DOMAINS = ("example.org", "example.com", "example.net")
REFUSED_DOMAIN = "refused.example"  # the mail catcher refuses it for ever


@dataclass(frozen=True)
class Household:
    """How a household wants to be reached. `number` makes its addresses its own."""

    ref: str
    number: int
    name: str
    language: str
    email: str | None
    phone: str | None


def make_household(rng: Random, number: int) -> Household:
    """One with an e-mail address; every third also gives a phone number."""
    language = rng.choices(list(VOICES), [voice[0] for voice in VOICES.values()])[0]
    _, firsts, lasts = VOICES[language]
    first, last = rng.choice(firsts), rng.choice(lasts)
    return Household(
        ref=f"h-{rng.getrandbits(48):012x}",
        number=number,
        name=f"{first} {last}",
        language=language,
        email=f"{_mailbox(first, language)}.{number}@{rng.choice(DOMAINS)}",
        phone=_phone(rng) if rng.random() < 0.33 else None,
    )


def _mailbox(first: str, language: str) -> str:
    plain = unicodedata.normalize("NFKD", first.lower()).encode("ascii", "ignore").decode()
    return plain or f"{language}-hushall"


def _phone(rng: Random) -> str:
    """One of the numbers that the Swedish telecom authority keeps for made-up persons."""
    return f"+46 70 174 06 {rng.randint(5, 99):02d}"
