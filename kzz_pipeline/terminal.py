"""What is printed: on any terminal, of any encoding, and nothing that a release prints can steer it."""

import os
import re
import sys

import click

# Control characters, and those that turn the direction of writing or break the line.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def fit() -> None:
    """Make the names of files UTF-8 whatever the locale; print what the terminal has no character for by its number."""
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        # A Chinese name of a file would be read as another one than under every other locale.
        os.environ["PYTHONUTF8"] = "1"
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def visible(text: str) -> str:
    """The text, its control characters shown by their numbers."""
    return _STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def say(text: str, *, err: bool = False) -> None:
    """Print a line for people, on stdout or stderr."""
    click.echo(visible(text), err=err)
