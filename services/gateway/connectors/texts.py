"""A file's bytes as text: which encoding it has, and nothing guessed that could be wrong."""

import codecs
import io
from collections import Counter
from typing import BinaryIO, Final, TextIO

from .shape import Unreadable

CHUNK: Final = 1024 * 1024
WINDOWS: Final = "The file is in Windows-1252, and was read as that. UTF-8 is safer: it tells by itself what it is."
SAVE_AS_UTF8: Final = "Save it as CSV UTF-8."

# å ä ö Å Ä Ö, as each encoding that a Swedish file may be in writes them.
_SWEDISH: Final = {name: frozenset("åäöÅÄÖ".encode(name)) for name in ("cp1252", "mac_roman", "cp850")}
_UNDEFINED: Final = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})


class _Borrowed(io.RawIOBase):
    """A file of somebody else's, that stays open when we are done with it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what RawIOBase says in C
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def text_of(file: BinaryIO, *, windows: bool = True) -> tuple[TextIO, list[str]]:
    """The file as text from its start, with line breaks as they are, and notes. Raises `Unreadable`.

    All of it is looked at first, so that no row is read of a file that turns out wrong. `windows`: Windows-1252 is
    taken too, when the bytes look like it.
    """
    file.seek(0)
    start = file.read(4)
    notes: list[str] = []
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Unreadable("The file is in UTF-32.", SAVE_AS_UTF8)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
        if not _decodes(file, encoding):
            raise Unreadable("The file begins as UTF-16 and is not that all through: it is damaged.", SAVE_AS_UTF8)
    else:
        encoding = "utf-8-sig"
        if not _decodes(file, encoding):
            _refuse_what_is_not_windows(file, windows=windows)
            encoding = "cp1252"
            notes.append(WINDOWS)
    file.seek(0)
    return io.TextIOWrapper(io.BufferedReader(_Borrowed(file), CHUNK), encoding=encoding, newline=""), notes


def _decodes(file: BinaryIO, encoding: str) -> bool:
    """Whether all of the file is in `encoding`. Raises `Unreadable` for a NUL character, which no text has."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := file.read(CHUNK):
            if "\0" in decoder.decode(chunk):
                raise Unreadable(
                    "The file holds NUL characters: it is not text, or UTF-16 without a mark.", SAVE_AS_UTF8
                )
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_what_is_not_windows(file: BinaryIO, *, windows: bool) -> None:
    """Each byte may be Windows-1252, so what it would spell decides: damaged UTF-8 spells Ã¥, other encodings spell
    their å, ä and ö with other bytes."""
    if not windows:
        raise Unreadable("The file is not in UTF-8.", "Save it in UTF-8.")
    file.seek(0)
    counts: Counter[int] = Counter()
    damaged = False
    last = b""
    while chunk := file.read(CHUNK):
        counts.update(chunk)
        joined = last + chunk
        damaged = damaged or any(letter.encode() in joined for letter in "åäöÅÄÖé")
        last = chunk[-1:]
    if damaged:
        raise Unreadable(
            "The file is partly in UTF-8 and partly not: it is damaged, or put together of two.", SAVE_AS_UTF8
        )
    found = {name: sum(counts[byte] for byte in bytes_) for name, bytes_ in _SWEDISH.items()}
    others = max(found["mac_roman"], found["cp850"])
    if any(counts[byte] for byte in _UNDEFINED | set(range(9))) or others > found["cp1252"]:
        raise Unreadable("The file is neither in UTF-8 nor in Windows-1252.", SAVE_AS_UTF8)
