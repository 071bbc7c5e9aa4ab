"""Bytes to text: the encoding is decided once, on the whole file, and never guessed.

Order: byte-order mark, strict UTF-8, strict GB18030, else refused with the byte offset.
"""

import codecs
import re
from typing import NamedTuple

from kzz_pipeline.core.characters import has_ink
from kzz_pipeline.core.refusal import Refusal

_SAVE_AS_TEXT = "save it as a text file in UTF-8 and put it there again"
_NAME_BY_FORM = "name it by its form ({}), or save it as a text file in UTF-8, and put it there again"
_COPY_AGAIN = "copy the release again, whole"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF32_BOMS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
# What files of other kinds begin with; of those that are read under a name of their own, that name.
_MAGIC = (
    (b"%PDF", "a PDF", ".pdf"),
    (b"PK\x03\x04", "a zip archive (perhaps a .docx or .xlsx)", ".docx, .xlsx"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (.doc or .xls)", ".xls"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"SQLite format 3\0", "a database"),
)
_MARKUP = re.compile(r"\s*<(?:!doctype\b|!--|\?xml\b|(?:html|head|body|table|meta|div|svg)\b)", re.IGNORECASE)
_WEB_ARCHIVE = re.compile(r"(?:From: .*\r?\n)?(?:MIME-Version|Content-Type): ", re.IGNORECASE)
# Four UTF-8 characters of Chinese text in a row do not come about in GB18030 text by chance.
_UTF8_RUN = re.compile(rb"(?:(?:[\xe3-\xe9][\x80-\xbf]|\xef[\xbc\xbd]|\xe2[\x80\x89])[\x80-\xbf]){4,}")
_NULS_LOOKED_AT = 1 << 16


class Decoded(NamedTuple):
    """The text of a release and the encoding it was stored in (`utf-8`, `utf-8-sig`, `utf-16`, `gb18030`)."""

    text: str
    encoding: str


def decode(data: bytes) -> Decoded:
    """The text of a release's bytes.

    Raises Refusal where they are empty, blank, another kind of file, or in no encoding that is read here.
    """
    if not data:
        raise Refusal("empty-file", "the file holds no byte", "copy the release again")
    _refuse_other_files(data)
    decoded = _decode(data)
    if not has_ink(decoded.text):
        raise Refusal("blank-file", "the file holds nothing but white space", "copy the release again")
    if b"\0" in data and (nul := decoded.text.find("\0")) >= 0:
        line = _line(decoded.text[:nul].encode())
        raise Refusal("nul-byte", "the file holds NUL characters", _SAVE_AS_TEXT, line)
    head = decoded.text[:1024]
    if _WEB_ARCHIVE.match(head):
        raise Refusal("not-text", "the file is a web archive or a mail, not text", _SAVE_AS_TEXT)
    if _MARKUP.match(head):
        raise Refusal("not-text", "the file is an HTML or XML page, not text", _NAME_BY_FORM.format(".html"))
    return decoded


def _refuse_other_files(data: bytes) -> None:
    for magic, what, *form in _MAGIC:
        # Magic numbers of letters alone could begin a text, which has no NUL bytes.
        if data.startswith(magic) and (not magic.isalnum() or b"\0" in data[:64]):
            advice = _NAME_BY_FORM.format(*form) if form else _SAVE_AS_TEXT
            raise Refusal("not-text", f"the file is {what}, not text", advice)


def _decode(data: bytes) -> Decoded:
    if data.startswith(_UTF32_BOMS):
        raise Refusal("unknown-encoding", "the file is UTF-32, which is not read", _SAVE_AS_TEXT)
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return Decoded(data.decode(encoding), encoding)
            except UnicodeDecodeError as error:
                raise _undecodable(data, error, encoding) from None
    if b"\0" in data:
        raise _nul_bytes(data)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        failure = error
    return _decode_gb18030(data, failure)


def _decode_gb18030(data: bytes, utf8_error: UnicodeDecodeError) -> Decoded:
    """What is not UTF-8, read as GB18030. Bytes may fit GB18030 and still be UTF-8 that was cut or mixed."""
    begins_as_utf8 = not data[: utf8_error.start].isascii()
    if begins_as_utf8 and _is_cut(utf8_error):
        raise _undecodable(data, utf8_error, "utf-8")
    run = _UTF8_RUN.search(data)
    if run is None:
        try:
            return Decoded(data.decode("gb18030"), "gb18030")
        except UnicodeDecodeError as error:
            raise _undecodable(data, error, "UTF-8 or GB18030") from None
    if not _is_gb18030_line(data, utf8_error.start):
        raise _undecodable(data, utf8_error, "UTF-8 or GB18030")
    utf8_first = run.start() < utf8_error.start
    at = utf8_error.start if utf8_first else run.start()
    raise Refusal(
        "mixed-encodings",
        f"the file mixes UTF-8 and GB18030: at byte {at} begins {'GB18030' if utf8_first else 'UTF-8'}",
        _SAVE_AS_TEXT,
        _line(data[:at]),
    )


def _is_gb18030_line(data: bytes, at: int) -> bool:
    """Whether the line around a byte is GB18030 throughout, not UTF-8 with a damaged byte."""
    end = data.find(b"\n", at)
    line = data[data.rfind(b"\n", 0, at) + 1 : end if end >= 0 else len(data)]
    try:
        line.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return _UTF8_RUN.search(line) is None


def _nul_bytes(data: bytes) -> Refusal:
    """UTF-16 holds its NULs in every second byte only, and as often as the text has tabs and digits."""
    head = data[:_NULS_LOOKED_AT]
    even, odd = head[::2].count(b"\0"), head[1::2].count(b"\0")
    if max(even, odd) > 1 + 16 * min(even, odd) and max(even, odd) * 32 > len(head):
        message = "the file looks like UTF-16 without a byte-order mark"
        return Refusal("utf-16-without-bom", message, _SAVE_AS_TEXT)
    at = data.index(0)
    message = f"the file holds NUL bytes, the first at byte {at}"
    return Refusal("nul-byte", message, _SAVE_AS_TEXT, _line(data[:at]))


def _is_cut(error: UnicodeDecodeError) -> bool:
    """Whether decoding failed because the bytes end inside a character."""
    return error.end == len(error.object) and error.reason in (
        "unexpected end of data",
        "truncated data",
        "incomplete multibyte sequence",
    )


def _undecodable(data: bytes, error: UnicodeDecodeError, encoding: str) -> Refusal:
    # The codec of UTF-8 with a byte-order mark counts from behind the mark.
    at = error.start + len(data) - len(error.object)
    line = _line(data[:at]) if encoding != "utf-16" else None
    if _is_cut(error):
        message = f"the file ends in the middle of a character (byte {at})"
        return Refusal("half-copy", message, _COPY_AGAIN, line)
    message = f"the file is no {encoding}: byte {at} ({data[at]:#04x}) does not fit"
    return Refusal("unknown-encoding", message, _SAVE_AS_TEXT, line)


def _line(before: bytes) -> int:
    """The number of the line that follows these bytes, whatever ends the lines."""
    return before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1
