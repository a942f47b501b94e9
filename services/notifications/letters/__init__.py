"""Letters in the reader's language: gettext texts in a text and an HTML part, never half in one language.

HTML by hand and not by MRML: a letter of one column needs no framework, weighs a third, and is right to left by `dir`
alone, where MRML writes `direction:ltr` and `text-align:left` into every cell.
"""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from services.chassis.web import Catalogues, direction
from services.chassis.web.words import N_

FOLDER = Path(__file__).parent
LOCALES = FOLDER.parent / "locales"
# Who can't have theirs gets the first of these that is whole.
FALLBACK = ("en", "sv")
# Bidirectional classes of letters that run against the text they are in.
AGAINST = {"ltr": {"R", "AL"}, "rtl": {"L"}}
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
FONT = "font-family:'Noto Sans','Noto Sans Arabic',system-ui,'Segoe UI',Roboto,Arial,sans-serif;"

SUBJECT = N_("Welcome home! May we show you how everything works?")
GREETING = N_("Hello %(name)s,")
WELCOME = N_("Welcome to your new home with %(landlord)s. We would like to offer you a housing introduction.")
WHAT = N_(
    "You meet one of us who work in your area, and we show you how everything works. It takes about half an hour. "
    "We go through:"
)
TOPICS = (
    N_("the laundry room and how to book it"),
    N_("sorting your waste"),
    N_("heating and ventilation"),
    N_("how to report a fault"),
    N_("whom to call if something urgent happens"),
)
FREE = N_("It costs nothing, and you choose the time. If you need an interpreter, we arrange one, also at no cost.")
QUESTION = N_("Would you like an introduction?")
HOW = N_("Reply to this e-mail and tell us which days suit you. You are welcome to write in your own language.")
REGARDS = N_("Kind regards")
WHY = N_("You get this e-mail because you have a new tenancy with us. We never ask for passwords or money by e-mail.")
STOP = N_("If you do not want e-mails like this one, reply and tell us.")
OTHER_LANGUAGE = N_("We do not have this e-mail in the language you chose. You are welcome to answer in it.")

TEXTS = (SUBJECT, GREETING, WELCOME, WHAT, *TOPICS, FREE, QUESTION, HOW, REGARDS, WHY, STOP, OTHER_LANGUAGE)


@dataclass(frozen=True, slots=True)
class Letter:
    """What one household reads. `language` is the one it is written in, not always the one that was asked for."""

    language: str
    subject: str
    text: str
    html: str


class Letters:
    """The letters there are, in the languages whose texts are whole."""

    def __init__(self, locales: Path = LOCALES) -> None:
        self._catalogues = Catalogues([locales])
        tags = sorted(file.parent.name for file in locales.glob("*/messages.po"))
        self.languages = tuple(tag for tag in tags if self._is_whole(tag))
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=True,
        )

    def language_for(self, wanted: str) -> str:
        """The language a letter is written in for someone who wants `wanted` (BCP 47): that, its base, or a fallback."""
        base = wanted.partition("-")[0]
        return next((tag for tag in (wanted, base, *FALLBACK) if tag in self.languages), FALLBACK[0])

    def introduction(self, *, name: str, wanted: str, landlord: str) -> Letter:
        """The offer of a housing introduction (bointroduktion)."""
        language = self.language_for(wanted)
        say = self._catalogues.translations(language).gettext
        understood = language == wanted.partition("-")[0] or language == wanted
        shown = {
            "language": language,
            "direction": direction(language),
            "landlord": landlord,
            "subject": say(SUBJECT),
            "greeting": Line(say(GREETING), language, name=name),
            "welcome": Line(say(WELCOME), language, landlord=landlord),
            "what": say(WHAT),
            "topics": [say(topic) for topic in TOPICS],
            "free": say(FREE),
            "question": say(QUESTION),
            "how": say(HOW),
            "other_language": None if understood else say(OTHER_LANGUAGE),
            "regards": say(REGARDS),
            "why": say(WHY),
            "stop": say(STOP),
            "font": Markup(FONT),  # noqa: S704 (our own)
        }
        return Letter(
            language=language,
            subject=say(SUBJECT),
            text=self._templates.get_template("introduction.txt").render(shown),
            html=self._templates.get_template("introduction.html").render(shown),
        )

    def _is_whole(self, tag: str) -> bool:
        """English is its own message ids; others have every text of the letters translated."""
        say = self._catalogues.translations(tag).gettext
        return tag == "en" or all(say(text) != text for text in TEXTS)


class Line:
    """A sentence with names in it. Each name keeps its own direction: in HTML by an element, in text by isolates."""

    def __init__(self, sentence: str, language: str, **names: str) -> None:
        self._sentence = sentence
        self._against = AGAINST[direction(language)]
        self._names = names

    def __str__(self) -> str:
        return self._sentence % {key: self._isolated(name) for key, name in self._names.items()}

    def __html__(self) -> str:
        names = {key: Markup("<bdi>{}</bdi>").format(name) for key, name in self._names.items()}
        return escape(self._sentence) % names

    def _isolated(self, name: str) -> str:
        """Isolates only where they do something: old mail programs show them as boxes."""
        turns = any(unicodedata.bidirectional(letter) in self._against for letter in name)
        return f"{FIRST_STRONG_ISOLATE}{name}{POP_ISOLATE}" if turns else name
