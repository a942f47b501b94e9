"""Marking a text for translation where it stands, to be translated where it is shown."""


def N_(text: str) -> str:  # noqa: N802 (the gettext convention, which extractors look for)
    """`text` itself: an English message id."""
    return text
