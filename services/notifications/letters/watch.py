"""What a watcher of a goal reads: what happened and where to read on; never a figure, which the page shows as it is then."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from services.chassis.web import Catalogues, direction
from services.chassis.web.words import N_
from services.notifications.letters import FOLDER, FONT, LOCALES, Letter
from services.notifications.repository.watchers import Kind, Leased, Watcher

SUBJECTS: dict[Kind, str] = {
    "confirm": N_("Do you want to follow the goal %(goal)s?"),
    "figures": N_("New figures: %(goal)s"),
    "alert": N_("Needs a look: %(goal)s"),
    "alert_over": N_("No longer needs a look: %(goal)s"),
}
SAYS: dict[Kind, str] = {
    "confirm": N_(
        "Somebody, probably you, has asked for e-mail to this address when something happens to the goal %(goal)s. "
        "Open this address and press the button to say yes:"
    ),
    "figures": N_("Figures for %(period)s have been published for the goal %(goal)s. Read them here:"),
    "alert": N_("Something about the goal %(goal)s needs a look."),
    "alert_over": N_("Something about the goal %(goal)s needed a look, and no longer does. Read about the goal here:"),
}
RULES = {
    "behind_pace": N_(
        "At the present pace its target for %(period)s won't be met, in the whole company or in an area."
    ),
    "system_silent": N_("A system that it is counted from hasn't been heard from within the agreed time."),
    "unusual_change": N_("A figure of it for %(period)s has moved far more in a month than it usually does."),
}
READ_ON = N_("Read about the goal here:")
NOBODY = N_(
    "If it wasn't you, you need do nothing. Without a yes we send nothing more and erase your address within a week. "
    "To have it erased now:"
)
WHY = N_("You get this e-mail because you follow the goal. To stop, and have your address erased:")
HELLO = N_("Hello,")
REGARDS = N_("Kind regards")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the links of a mail go: the goal's page, the yes, and the end."""

    goal: str
    confirm: str
    stop: str


class WatchLetters:
    """Mails to watchers, in the languages of the pages."""

    def __init__(self, locales: Path = LOCALES) -> None:
        self._catalogues = Catalogues([locales])
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
            trim_blocks=True, keep_trailing_newline=True,
        )  # fmt: skip

    def write(self, mail: Leased, to: Watcher, addresses: Addresses, *, landlord: str) -> Letter:
        say = self._catalogues.translations(to.language).gettext
        named = {"goal": to.goal, "period": mail.period}
        says = [say(SAYS[mail.kind]) % named]
        if mail.kind == "alert":
            if mail.rule in RULES:
                says.append(say(RULES[mail.rule]) % named)
            says.append(say(READ_ON))
        is_question = mail.kind == "confirm"
        shown = {
            "language": to.language,
            "direction": direction(to.language),
            "landlord": landlord,
            "subject": say(SUBJECTS[mail.kind]) % named,
            "hello": say(HELLO),
            "says": says,
            "link": addresses.confirm if is_question else addresses.goal,
            "regards": say(REGARDS),
            "why": say(NOBODY if is_question else WHY),
            "stop": addresses.stop,
            "font": Markup(FONT),  # noqa: S704 (our own)
        }
        return Letter(
            language=to.language,
            subject=str(shown["subject"]),
            text=self._templates.get_template("watch.txt").render(shown),
            html=self._templates.get_template("watch.html").render(shown),
        )
