"""Pages in the reader's language: gettext catalogues read and compiled at start, numbers and dates by Babel."""

import gettext
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Request

LANGUAGE_COOKIE = "hem_language"
DEFAULT = "sv"
OFFERED = (DEFAULT, "en")
# A language tag stands for the way it is written here, not for the country Babel would guess.
_WRITTEN_AS = {"en": "en_GB"}


class Catalogues:
    """The translations in folders of `<language>/messages.po`; an earlier folder wins. Message ids are English."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._translations: dict[str, gettext.NullTranslations] = {}
        for folder in folders:
            for file in sorted(folder.glob("*/messages.po")):
                self._add(file.parent.name, _compile(file))

    def translations(self, language: str) -> gettext.NullTranslations:
        """The texts of `language`, or of its base language (`sv` for `sv-FI`), or the English message ids."""
        for tag in (language, language.replace("-", "_"), language.replace("_", "-").partition("-")[0]):
            if tag in self._translations:
                return self._translations[tag]
        return gettext.NullTranslations()

    def _add(self, language: str, texts: gettext.GNUTranslations) -> None:
        if language in self._translations:
            self._translations[language].add_fallback(texts)
        else:
            self._translations[language] = texts


def _compile(file: Path) -> gettext.GNUTranslations:
    with file.open("rb") as source:
        catalogue = read_po(source, locale=file.parent.name)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def locale(language: str) -> Locale:
    """Babel's locale of a language tag; the default language's when Babel doesn't know it."""
    try:
        return Locale.parse(_WRITTEN_AS.get(language, language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT)


def direction(language: str) -> str:
    """`ltr` or `rtl`, for the attribute dir."""
    return str(locale(language).text_direction)


def own_name(language: str) -> str:
    """What a language calls itself: `Svenska`."""
    name = Locale.parse(language.replace("-", "_")).display_name or language
    return name[:1].upper() + name[1:]


def negotiate(request: Request, available: Sequence[str]) -> str:
    """The language of `available` for this request: ?lang, else the cookie, else Accept-Language, else the first."""
    asked = [request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)]
    for tag in [*asked, *_accepted(request.headers.get("accept-language", ""))]:
        found = negotiate_locale([tag], available, sep="-") if tag else None
        if found is not None:
            return next(a for a in available if a.lower() == found.lower())
    return available[0]


def _accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header, the most wanted first; one with an unreadable weight comes last."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        tag, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.strip()))
        except ValueError:
            weighed.append((0.0, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda w: w[0]) if tag and tag != "*"]
