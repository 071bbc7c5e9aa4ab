"""Finding releases under the raw root: which files are releases, what they are called, and their bytes.

A release is `<raw root>/<release year>/<name>.<form>`. Whatever else stands there is refused by name, with the
reason, and never followed, opened or executed.
"""

import hashlib
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kzz_pipeline.core.refusal import Refusal

FORMS = (".txt", ".tsv", ".csv", ".docx", ".xlsx", ".xls", ".html", ".htm", ".pdf")
SIZE_CAP_BYTES = 64 * 1024 * 1024
_YEAR_FOLDER = re.compile(r"(?:19|20)\d\d")
_NAME = re.compile(r"[\w.\-]+", re.UNICODE)
# What editors, Office and copy programs leave beside a file while they work; a release never bears such a name.
_TRANSIENT_BEGINS = (".", "~$")
_TRANSIENT_ENDS = ("~", ".part", ".partial", ".tmp", ".crdownload", ".swp")
# With what is put before and behind it while it is written, a name in a folder has 255 bytes at most.
_LONGEST_ID = 192
_PLACE = "put it at <raw root>/<year>/<name>.txt"


class ReleaseFile(NamedTuple):
    """A file that is a release by its place and name. `source_path` is relative to the raw root, with `/`."""

    release_id: str
    release_year: int
    source_path: str
    raw_root: Path
    size: int
    stamp: str

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.raw_root / self.source_path

    @property
    def form(self) -> str:
        """Its ending, in small letters: .txt."""
        return os.path.splitext(self.source_path)[1].lower()


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file or folder under the raw root that is no release, and why.

    `release_id` is that of a file that would be one by its place and name, such as one over the size cap.
    """

    source_path: str
    refusal: Refusal
    release_id: str = ""


def find_releases(
    raw_root: Path, published: Container[str] = frozenset()
) -> tuple[list[ReleaseFile], list[RefusedFile]]:
    """Every release under `raw_root`, ordered by release id, and everything there that is refused by its name.

    Of ids that differ in case alone, the one in `published` is a release. Raises Refusal where the raw root itself
    cannot be listed.
    """
    if not isinstance(raw_root, Path):
        return _find_objects(raw_root, published)
    try:
        top = sorted(os.scandir(raw_root), key=lambda entry: entry.name)
    except OSError as error:
        raise Refusal(
            "unreadable-folder", f"{raw_root}: {error.strerror}", "name a folder of releases with --raw"
        ) from None
    found: list[ReleaseFile] = []
    refused: list[RefusedFile] = []
    for entry in top:
        if _is_transient(entry.name):
            continue
        if entry.is_symlink() and _YEAR_FOLDER.fullmatch(entry.name):
            refused.append(_refused(entry.name, "link", "a link, which is not followed", "put the folder itself there"))
        elif not entry.is_dir(follow_symlinks=False):
            what = "a link" if entry.is_symlink() else "a file"
            refused.append(_refused(entry.name, "wrong-place", f"{what} that stands outside a year folder", _PLACE))
        elif not _YEAR_FOLDER.fullmatch(entry.name):
            refused.append(_refused(entry.name, "wrong-place", "a folder that is not named by a year", _PLACE))
        else:
            _scan_year(raw_root, entry.name, found, refused)
    return _without_collisions(found, refused, published), refused


def locate(raw_root: Path, release_id: str) -> ReleaseFile:
    """The file of a release. Raises Refusal where there is none, or it is refused by its name or place."""
    check_release_id(release_id)
    year, _, name = release_id.partition("-")
    if not isinstance(raw_root, Path):
        return _locate_object(raw_root, release_id)
    if (raw_root / year).is_symlink():
        raise Refusal("link", f"{year} is a link, which is not followed", "put the folder itself there")
    for form in FORMS:
        path = raw_root / year / f"{name}{form}"
        if os.path.lexists(path):
            return _release_file(raw_root, f"{year}/{name}{form}", path)
    # The name may be written in another normal form of Unicode, or its ending in capitals.
    found: list[ReleaseFile] = []
    refused: list[RefusedFile] = []
    _scan_year(raw_root, year, found, refused)
    for file in _without_collisions([file for file in found if file.release_id == release_id], refused):
        return file
    raise Refusal("no-such-file", f"no file of {release_id} under {raw_root / year}", "put it there again")


def _is_transient(name: str) -> bool:
    return name.startswith(_TRANSIENT_BEGINS) or name.endswith(_TRANSIENT_ENDS)


def _scan_year(raw_root: Path, year: str, found: list[ReleaseFile], refused: list[RefusedFile]) -> None:
    try:
        entries = sorted(os.scandir(raw_root / year), key=lambda entry: entry.name)
    except OSError as error:
        refused.append(_refused(year, "unreadable-folder", f"{error.strerror}", "let this user read the folder"))
        return
    for entry in entries:
        place = f"{year}/{entry.name}"
        if _is_transient(entry.name):
            continue
        try:
            found.append(_release_file(raw_root, place, entry))
        except Refusal as refusal:
            refused.append(RefusedFile(_printable(place), refusal, _would_be(place, refusal)))


def _would_be(place: str, refusal: Refusal) -> str:
    """The id of the release that a refused file would be; "" where it is refused for its place or name."""
    year, _, name = place.partition("/")
    name, dot, form = name.rpartition(".")
    release_id = _release_id(year, name)
    is_release = refusal.code != "wrong-place" and dot + form.lower() in FORMS and _is_valid(release_id)
    return release_id if is_release else ""


def _release_file(raw_root: Path, place: str, entry: "os.DirEntry[str] | Path") -> ReleaseFile:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        raise Refusal("unreadable-file", f"{error.strerror}", "let this user read the file") from None
    if stat.S_ISLNK(status.st_mode):
        raise Refusal("link", "a link, which is not followed", "put the file itself there")
    if stat.S_ISDIR(status.st_mode):
        raise Refusal("wrong-place", "a folder inside a year folder", _PLACE)
    if not stat.S_ISREG(status.st_mode):
        raise Refusal("not-a-file", "not a regular file", _PLACE)
    stamp = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
    return _checked(raw_root, place, status.st_size, stamp)


def _checked(raw_root: Path, place: str, size: int, stamp: str) -> ReleaseFile:
    year, _, name = place.partition("/")
    name, dot, form = name.rpartition(".")
    if dot + form.lower() not in FORMS:
        raise Refusal("unknown-form", f"not one of the forms that are read ({', '.join(FORMS)})", "save it as text")
    release_id = _release_id(year, name)
    check_release_id(release_id)
    if size > SIZE_CAP_BYTES:
        found, cap = size / 2**20, SIZE_CAP_BYTES // 2**20
        raise Refusal("too-large", f"{found:.1f} MiB, over the {cap} MiB that a release may have", "split the release")
    return ReleaseFile(release_id, int(year), place, raw_root, size, stamp)


def _release_id(year: str, name: str) -> str:
    return f"{year}-{unicodedata.normalize('NFC', name)}"


def _is_valid(release_id: str) -> bool:
    try:
        check_release_id(release_id)
    except Refusal:
        return False
    return True


def _find_objects(raw_root: Path, published: Container[str]) -> tuple[list[ReleaseFile], list[RefusedFile]]:
    """`find_releases` in an object store: its listing says what each object is, so none is asked for."""
    from kzz_pipeline.objects import listing

    found: list[ReleaseFile] = []
    refused: dict[str, RefusedFile] = {}
    for place, (size, stamp) in sorted(listing(raw_root).items()):
        parts = place.split("/")
        if any(_is_transient(part) for part in parts):
            continue
        if len(parts) == 1:
            refused[place] = _refused(place, "wrong-place", "a file that stands outside a year folder", _PLACE)
        elif not _YEAR_FOLDER.fullmatch(parts[0]):
            refused[parts[0]] = _refused(parts[0], "wrong-place", "a folder that is not named by a year", _PLACE)
        elif len(parts) > 2:
            inner = "/".join(parts[:2])
            refused[inner] = _refused(inner, "wrong-place", "a folder inside a year folder", _PLACE)
        else:
            try:
                found.append(_checked(raw_root, place, size, stamp))
            except Refusal as refusal:
                refused[place] = RefusedFile(_printable(place), refusal, _would_be(place, refusal))
    collided = list(refused.values())
    return _without_collisions(found, collided, published), collided


def _locate_object(raw_root: Path, release_id: str) -> ReleaseFile:
    from kzz_pipeline.objects import listing

    year, _, name = release_id.partition("-")
    # Most often one request: the name as it is.
    for form in FORMS:
        place = f"{year}/{name}{form}"
        if known := listing(raw_root, place).get(place):
            return _checked(raw_root, place, *known)
    for file in _find_objects(raw_root, {release_id})[0]:
        if file.release_id == release_id:
            return file
    raise Refusal("no-such-file", f"no file of {release_id} under {raw_root / year}", "put it there again")


def check_release_id(release_id: str) -> None:
    """Raise Refusal unless `release_id` is safe as a partition key, a file name and a part of a query."""
    year, _, name = release_id.partition("-")
    if not _YEAR_FOLDER.fullmatch(year) or not _NAME.fullmatch(name) or not name.strip(".") or ".." in name:
        raise Refusal(
            "wrong-name",
            f"a release name holds letters, digits, '.', '_' and '-' only: {_printable(name)!r}",
            "rename the file",
        )
    over = len(release_id.encode()) - _LONGEST_ID
    if over > 0:
        has, most = len(name.encode()), len(name.encode()) - over
        message = f"the name is too long: {has} bytes, over the {most} that it may have (a Chinese character has 3)"
        raise Refusal("wrong-name", message, "rename the file")


def _without_collisions(
    found: list[ReleaseFile], refused: list[RefusedFile], published: Container[str] = frozenset()
) -> list[ReleaseFile]:
    """One file per release id, ids that differ in case alone counted as one; text goes before other forms."""
    times = Counter(file.release_id.casefold() for file in found)
    if len(times) == len(found):
        return sorted(found)
    kept: dict[str, ReleaseFile] = {}

    def rank(file: ReleaseFile) -> tuple[bool, int, str]:
        # What is published already is not made another release by a file that sorts before it.
        return file.release_id not in published, FORMS.index(file.form), file.source_path

    several = [file for file in found if times[file.release_id.casefold()] > 1]
    for file in sorted(several, key=rank):
        first = kept.setdefault(file.release_id.casefold(), file)
        if first is not file:
            refused.append(
                _refused(
                    file.source_path,
                    "same-id",
                    f"its id is that of {_printable(first.source_path)}, {first.release_id}",
                    "rename or remove one of the two",
                )
            )
    alone = (file for file in found if times[file.release_id.casefold()] == 1)
    return sorted([*alone, *kept.values()])


def _refused(place: str, code: str, message: str, advice: str) -> RefusedFile:
    return RefusedFile(_printable(place), Refusal(code, message, advice))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def read_bytes(file: ReleaseFile) -> tuple[bytes, str]:
    """The bytes of a release and their sha256.

    Raises Refusal where the file cannot be read, grew over the size cap, or changed while it was read.
    """
    again = "wait until the copy is whole, then run again"
    if not isinstance(file.path, Path):
        return _object_bytes(file, again)
    try:
        descriptor = os.open(file.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as stream:
            before = os.fstat(stream.fileno())
            if before.st_size > SIZE_CAP_BYTES:
                raise Refusal("too-large", "the file grew over the size that a release may have", "split the release")
            data = stream.read(SIZE_CAP_BYTES + 1)
            after = os.fstat(stream.fileno())
    except OSError as error:
        raise Refusal("unreadable-file", f"{error.strerror}", "let this user read the file") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != before.st_size:
        raise Refusal("still-changing", "the file changed while it was read", again)
    return data, hashlib.sha256(data).hexdigest()


def _object_bytes(file: ReleaseFile, again: str) -> tuple[bytes, str]:
    from kzz_pipeline.objects import clear_errors

    with clear_errors(file.path):
        data = file.path.read_bytes()
    if len(data) != file.size:
        raise Refusal("still-changing", "the object was replaced while it was read", again)
    return data, hashlib.sha256(data).hexdigest()
