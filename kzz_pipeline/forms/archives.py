"""What a file is, by its first bytes, and whether the archive that a .docx or .xlsx is may be opened."""

import io
import re
import zipfile

from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.forms.lines import MOST_TAGS, MOST_UNPACKED_BYTES, NO_PASSWORD, SAVE_AGAIN, reading

_MOST_RATIO = 100
_RATIO_FROM_BYTES = 20 * 1024 * 1024
_MOST_MEMBERS = 5_000
_CHUNK = 1 << 20

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = ("EncryptedPackage".encode("utf-16-le"), "EncryptionInfo".encode("utf-16-le"))

_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_MAIN_TYPES = {
    ".docx": (b"wordprocessingml.document.main", b"wordprocessingml.template.main"),
    ".xlsx": (b"spreadsheetml.sheet.main", b"spreadsheetml.template.main"),
}
_MACRO_TYPES = (b"macroEnabled", b"vbaProject")


def require_magic(data: bytes, magic: bytes, suffix: str) -> None:
    if data.startswith(magic):
        return
    if data.startswith(OLE) and any(name in data for name in _ENCRYPTED):
        raise Refusal("password", "the file is protected by a password", NO_PASSWORD)
    kinds = (
        (b"PK\x03\x04", "a zip archive (perhaps .docx or .xlsx)"),
        (OLE, "an old Office document (.doc or .xls)"),
        (b"%PDF", "a PDF"),
        (b"{\\rtf", "an RTF document"),
    )
    is_page = re.match(
        rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|meta|table|\?xml)", data[:1024], re.IGNORECASE
    )
    page = "an HTML or XML page" if is_page else "something else"
    what = next((name for start, name in kinds if data.startswith(start)), page)
    raise wrong_form(f"the file is named {suffix} and is {what}")


def wrong_form(message: str) -> Refusal:
    return Refusal("wrong-form", message, "name it by what it is, or save it in the form that its name says")


def check_archive(data: bytes, suffix: str) -> None:
    """Raise Refusal unless the archive is whole, of the kind its suffix says, and small and plain enough to open."""
    require_magic(data, b"PK\x03\x04", suffix)
    # Counted before the directory is read, which takes memory for each entry.
    if data.count(b"PK\x01\x02") > _MOST_MEMBERS:
        raise bomb("too many members")
    with reading(f"{suffix}: the archive is damaged"), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        total = sum(member.file_size for member in members)
        if total > MOST_UNPACKED_BYTES or (total > _RATIO_FROM_BYTES and total > _MOST_RATIO * len(data)):
            raise bomb(f"{total / 2**20:,.0f} MiB from {len(data) / 2**20:,.1f}")
        types = b""
        tags = 0
        for member in members:
            if member.flag_bits & 0x1:
                raise Refusal("password", "the archive is encrypted", NO_PASSWORD)
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise wrong_form(f"the archive is packed in a way that no {suffix} is")
            is_types = member.filename == "[Content_Types].xml"
            is_xml = is_types or member.filename.lower().endswith((".xml", ".rels", ".vml"))
            tags += _scan(archive, member, is_xml)
            if tags > MOST_TAGS:
                raise bomb(f"more than {MOST_TAGS:,} XML tags")
            if is_types:
                types = archive.read(member).replace(b"\0", b"")
        _check_kind(types, [member.filename for member in members], suffix)


def _scan(archive: zipfile.ZipFile, member: zipfile.ZipInfo, is_xml: bool) -> int:
    """Read a member to its end, which proves it whole, and count its tags.

    No part of an Office document declares entities; one that does is refused unread.
    """
    tags, tail = 0, b""
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            if not is_xml:
                continue
            plain = chunk.replace(b"\0", b"")  # UTF-16
            tags += plain.count(b"<")
            if _DTD.search(tail + plain):
                raise Refusal("entities", f"{member.filename} in the file declares XML entities", SAVE_AGAIN)
            tail = plain[-16:]
    return tags


def _check_kind(types: bytes, names: list[str], suffix: str) -> None:
    if any(mark in types for mark in _MACRO_TYPES) or any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Refusal("macros", "the file holds macros", f"save it as {suffix} without macros")
    if any(main in types for main in _MAIN_TYPES[suffix]):
        return
    for other, mains in _MAIN_TYPES.items():
        if any(main in types for main in mains):
            raise wrong_form(f"the file is named {suffix} and is a {other}")
    raise wrong_form(f"the file is named {suffix} and is another kind of archive")


def bomb(what: str) -> Refusal:
    return Refusal("too-large", f"the file unpacks to more than a release has: {what}", "check what the file is")
