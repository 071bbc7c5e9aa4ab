"""Bytes to text: the encoding is decided once, on the whole file, and never guessed.

Order: byte-order mark, strict UTF-8, strict GB18030, else refused with the byte offset.
"""

import codecs
import re
from typing import NamedTuple

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.refusal import Refusal

_SAVE_AS_TEXT = "save it as a text file in UTF-8 and put it there again"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip archive (perhaps a .docx or .xlsx)"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (.doc or .xls)"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_HTML = re.compile(rb"\s*<(?:!doctype\s+html|html|\?xml|head|body|table|meta)\b", re.IGNORECASE)
# A run of UTF-8 ideographs this long does not come about in GB18030 text by chance.
_UTF8_RUN = re.compile(rb"(?:[\xe3-\xe9\xef][\x80-\xbf]{2}){6,}")


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
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise Refusal("not-text", f"the file is {what}, not text", _SAVE_AS_TEXT)
    decoded = _decode(data)
    if not strip(decoded.text):
        raise Refusal("blank-file", "the file holds nothing but white space", "copy the release again")
    if (nul := decoded.text.find("\0")) >= 0:
        line = decoded.text.count("\n", 0, nul) + 1
        raise Refusal("nul-byte", "the file holds NUL characters", _SAVE_AS_TEXT, line)
    if _HTML.match(data[:1024]):
        raise Refusal("not-text", "the file is an HTML or XML page, not text", _SAVE_AS_TEXT)
    return decoded


def _decode(data: bytes) -> Decoded:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return Decoded(data.decode(encoding), encoding)
            except UnicodeDecodeError as error:
                raise _undecodable(data, error, encoding) from None
    if b"\0" in data:
        half = len(data[:4096]) // 2
        if data[:4096].count(b"\0") > half // 8:
            raise Refusal("utf-16-without-bom", "the file looks like UTF-16 without a byte-order mark", _SAVE_AS_TEXT)
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise Refusal("nul-byte", f"the file holds NUL bytes, the first at byte {data.index(0)}", _SAVE_AS_TEXT, line)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as utf8_error:
        if utf8_error.start >= len(data) - 3 and utf8_error.start > 0 and not data[: utf8_error.start].isascii():
            raise Refusal(
                "half-copy",
                f"the file ends in the middle of a character (byte {utf8_error.start})",
                "copy the release again, whole",
                data.count(b"\n") + 1,
            ) from None
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            raise _undecodable(data, utf8_error, "utf-8 nor gb18030") from None
        if run := _UTF8_RUN.search(data):
            raise Refusal(
                "mixed-encodings",
                f"the file mixes GB18030 with UTF-8 text (from byte {run.start()})",
                _SAVE_AS_TEXT,
                data.count(b"\n", 0, run.start()) + 1,
            ) from None
        return Decoded(text, "gb18030")


def _undecodable(data: bytes, error: UnicodeDecodeError, encoding: str) -> Refusal:
    return Refusal(
        "unknown-encoding",
        f"the file is not {encoding}: byte {error.start} ({data[error.start]:#04x}) does not fit",
        _SAVE_AS_TEXT,
        data.count(b"\n", 0, error.start) + 1,
    )
