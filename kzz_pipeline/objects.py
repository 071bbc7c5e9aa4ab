"""Tables in an object store (`s3://bucket/prefix`): the same promises as on a disk, in the form that it allows.

An object appears whole or not at all, but none can be renamed. So a publication is staged under a prefix that no
reader matches, listed in a journal, copied into place by the store itself in the journal's order, and what it replaces
is deleted after that; then the staged objects, then the journal. The next writer completes what a journal lists and
deletes what was staged without one. One writer at a time holds a lock object, made and renewed by conditional
requests (If-None-Match, If-Match), so that of two who want it one gets it.

Imported only where a setting is a URL.
"""

import atexit
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

from upath import UPath

from kzz_pipeline.core.refusal import Refusal

_JOURNAL = ".publishing"
_STAGING = ".staging"
_LOCK = ".lock"
# A lock that was not renewed for so long is taken over; it is renewed four times as often. The same on every machine.
EXPIRY_SECONDS = float(os.environ.get("KZZ_LOCK_SECONDS", "60"))
_POLL_SECONDS = 1.0
_ADVICE = "look at the address, the credentials (AWS_ACCESS_KEY_ID, …) and AWS_ENDPOINT_URL"


def open_url(url: str) -> Path:
    """A URL as a path: what pathlib can do, it can, but for renaming and links.

    Raises Refusal where it is no address in an object store, or the library for it is not installed.
    """
    try:
        # A listing that is remembered is one that another machine has changed since.
        path = UPath(url, use_listings_cache=False)
        _ = path.fs
    except ValueError:
        raise Refusal(
            "unknown-store", f"{url} is no place that is known", "name a folder, or s3://bucket/prefix"
        ) from None
    except ImportError as error:
        advice = "install the extra: pip install 'kzz-pipeline[s3]'"
        raise Refusal("unknown-store", f"{url}: {error}", advice) from None
    if path.parent == path or not path.name:
        raise Refusal("unknown-store", f"{url} is a whole bucket", "name a prefix in it: s3://bucket/prefix")
    return cast(Path, path)


@contextmanager
def clear_errors(place: object) -> Iterator[None]:
    """Say in one line what the store says in a stack trace."""
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except (OSError, BotoCoreError) as error:
        raise Refusal("unusable-store", f"{place}: {error}", _ADVICE) from None


class ObjectLock:
    """A lock that is an object: held by who made it, or took it over, and kept by renewing it.

    No clock is compared with another: who waits sees for `EXPIRY_SECONDS` that the object does not change.
    """

    def __init__(self, path: Path) -> None:
        self._fs: Any = cast(Any, path).fs
        self._path = str(cast(Any, path).path)
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._etag = ""
        self._renewed = 0.0
        self._count = 0
        self._is_done = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self, timeout: float) -> bool:
        """Get the lock; False where another keeps it for so many seconds."""
        deadline = time.monotonic() + timeout
        seen, since = "", time.monotonic()
        while True:
            try:
                self._put(mode="create")
                return self._keep()
            except FileExistsError:
                pass
            try:
                etag, owner = self._look()
            except FileNotFoundError:
                continue
            if etag != seen:
                seen, since = etag, time.monotonic()
            if not owner or time.monotonic() - since > EXPIRY_SECONDS:
                try:
                    self._put(IfMatch=etag)
                    return self._keep()
                except OSError as error:
                    if not _is_conflict(error):
                        raise
            if time.monotonic() > deadline:
                return False
            time.sleep(min(_POLL_SECONDS, max(deadline - time.monotonic(), 0.01)))

    def _look(self) -> tuple[str, str]:
        data = self._fs.cat_file(self._path)
        info = self._fs.info(self._path, refresh=True)
        return str(info["ETag"]), str(json.loads(data).get("owner", ""))

    def _put(self, owner: str | None = None, **condition: str) -> None:
        self._count += 1
        content = {"owner": self._owner if owner is None else owner, "renewed": self._count}
        started = time.monotonic()
        answer = self._fs.pipe_file(self._path, json.dumps(content).encode(), **condition)
        self._etag, self._renewed = str(answer["ETag"]), started

    def _keep(self) -> bool:
        self._thread = threading.Thread(target=self._renew, name="kzz-lock", daemon=True)
        self._thread.start()
        return True

    def _renew(self) -> None:
        while not self._is_done.wait(EXPIRY_SECONDS / 4):
            try:
                self._put(IfMatch=self._etag)
            except OSError as error:
                if _is_conflict(error):
                    self._renewed = float("-inf")
                    return

    def require(self) -> None:
        """Raises Refusal where the lock may be another's by now."""
        if time.monotonic() - self._renewed > EXPIRY_SECONDS * 0.75:
            raise Refusal("lost-lock", f"{self._path} was not renewed in time", "run again: nothing is half done")

    def release(self) -> None:
        """Let the next one have it: the object says that nobody holds it."""
        self._is_done.set()
        if self._thread is not None:
            self._thread.join()
        if self._renewed != float("-inf"):
            try:
                self._put(owner="", IfMatch=self._etag)
            except OSError:
                return  # another's by now, or the store cannot be reached: it expires


def _is_conflict(error: OSError) -> bool:
    text = str(error).lower()
    return isinstance(error, FileExistsError) or "condition" in text or "conflict" in text


class ObjectStore:
    """What is published under a URL. Methods that write are for the one that holds `lock`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._fs: Any = cast(Any, root).fs
        self._base = str(cast(Any, root).path).rstrip("/")
        self._lock: ObjectLock | None = None
        self._known: set[str] | None = None

    @contextmanager
    def writer(self, seconds: float) -> Iterator[None]:
        """Be the only one that writes here. Raises Refusal where another writer does not end in so many seconds."""
        with clear_errors(self.root):
            lock = ObjectLock(self.root / _LOCK)
            if not lock.acquire(seconds):
                raise Refusal("busy", f"another run is writing {self.root}", "wait until it ends, then run again")
        self._lock = lock
        try:
            with clear_errors(self.root):
                self.recover()
                self._known = set(self._find(""))
            yield
        finally:
            self._lock = self._known = None
            lock.release()

    def _require_lock(self) -> None:
        if self._lock is not None:
            self._lock.require()

    def _path(self, place: str) -> str:
        return f"{self._base}/{place}"

    def _find(self, prefix: str) -> list[str]:
        return sorted(path.removeprefix(f"{self._base}/") for path in self._fs.find(self._path(prefix).rstrip("/")))

    def places(self, table: str) -> list[str]:
        """Every object of a table, `<table>/<year>/<name>.parquet`; while writing, from memory."""
        with clear_errors(self.root):
            found = self._find(f"{table}/") if self._known is None else sorted(self._known)
        return [
            place
            for place in found
            if place.startswith(f"{table}/") and place.endswith(".parquet") and place.count("/") == 2
        ]

    def stage(self, files: Mapping[str, bytes]) -> list[tuple[str, str]]:
        """Put objects aside, whole; one whose bytes stand there already is left alone. Staged place and place of each."""
        aside = f"{_STAGING}/{secrets.token_hex(4)}"
        with clear_errors(self.root):
            self._require_lock()
            wanted = {place: data for place, data in files.items() if not self._holds(place, data)}
            if wanted:
                self._fs.pipe({self._path(f"{aside}/{place}"): data for place, data in wanted.items()})
        return [(f"{aside}/{place}", place) for place in wanted]

    def _holds(self, place: str, data: bytes) -> bool:
        if self._known is not None and place not in self._known:
            return False
        try:
            return bool(self._fs.cat_file(self._path(place)) == data)
        except FileNotFoundError:
            return False

    def publish(self, name: str, renames: Iterable[tuple[str, str]], removals: Iterable[str]) -> None:
        """Copy staged objects into place and delete others, as a journal says that is written first."""
        with clear_errors(self.root):
            self._require_lock()
            moves, gone = list(renames), list(removals)
            # One listing for all of them.
            asides = {"/".join(staged.split("/")[:2]) for staged, _ in moves}
            there = {place for aside in asides for place in self._find(aside)}
            if missing := [staged for staged, _ in moves if staged not in there]:
                raise Refusal("unusable-store", f"{self.root}/{missing[0]} is gone", "run again")
            entry = self._path(f"{_JOURNAL}/{name}.json")
            plan = json.dumps({"renames": moves, "removals": gone}, ensure_ascii=False)
            self._fs.pipe_file(entry, plan.encode())
            self._flip(moves, gone)
            self._fs.rm_file(entry)

    def _flip(self, renames: Iterable[Iterable[str]], removals: Iterable[str]) -> None:
        moves = [(staged, place) for staged, place in renames]
        for staged, place in moves:
            self._require_lock()
            try:
                self._fs.cp_file(self._path(staged), self._path(place))
            except FileNotFoundError:
                continue  # staged objects are deleted after all were copied: this one was
        gone = list(removals)
        self._delete(gone)
        self._delete([staged for staged, _ in moves])
        if self._known is not None:
            self._known = (self._known - set(gone)) | {place for _, place in moves}

    def _delete(self, places: Iterable[str]) -> None:
        self._require_lock()
        if paths := [self._path(place) for place in places]:
            self._fs.rm(paths)

    def recover(self) -> None:
        """Complete every journalled publication and delete what was staged without a journal."""
        for entry in self._find(f"{_JOURNAL}/"):
            if entry.endswith(".json"):
                plan = json.loads(self._fs.cat_file(self._path(entry)))
                self._flip(plan["renames"], plan["removals"])
            self._delete([entry])
        self._delete(self._find(f"{_STAGING}/"))


def hold_until_exit(path: Path, seconds: float) -> ObjectLock | None:
    """A lock object held until this process ends; None where another does not let go of it in so many seconds."""
    with clear_errors(path):
        lock = ObjectLock(path)
        if not lock.acquire(seconds):
            return None
    atexit.register(lock.release)
    return lock


def listing(root: Path, prefix: str = "") -> dict[str, tuple[int, str]]:
    """The objects under a root whose names begin with `prefix`: place to size and a stamp that changes with its bytes."""
    path: Any = root
    base = str(path.path).rstrip("/")
    with clear_errors(root):
        found = path.fs.find(f"{base}/{prefix}".rstrip("/"), detail=True)
    return {
        name.removeprefix(f"{base}/"): (
            int(facts["size"]),
            f"{facts['size']}:{facts.get('ETag', facts.get('etag', ''))}",
        )
        for name, facts in found.items()
        if facts["type"] == "file" and not name.endswith("/")
    }


def remove_all(folder: Path) -> None:
    """Delete every object under a prefix."""
    path: Any = folder
    with clear_errors(folder):
        if found := path.fs.find(path.path):
            path.fs.rm(found)


@cache
def object_store(root: Path) -> ObjectStore:
    """The one store of a root in this process: it knows whether this process is the writer."""
    return ObjectStore(root)
