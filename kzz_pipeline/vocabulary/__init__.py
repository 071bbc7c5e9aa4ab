"""The vocabulary: YAML files that a person who does not program can extend, and their loader."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import yaml

from kzz_pipeline.core.names import Names
from kzz_pipeline.core.units import Units
from kzz_pipeline.core.vocabulary import Vocabulary
from kzz_pipeline.core.words import Words

_FILES = ("labels.yml", "names.yml", "units.yml")


def _data(name: str) -> Any:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)


@cache
def words() -> Words:
    """The vocabulary as shipped, read once per process."""
    labels, names, units = (_data(name) for name in _FILES)
    return Words(Vocabulary.from_data(labels), Names.from_data(names), Units.from_data(units))


@cache
def fingerprint() -> str:
    """A hash of the vocabulary's files: when it changes, releases are read again."""
    digest = sha256()
    for name in _FILES:
        digest.update((files(__package__) / name).read_bytes())
    return digest.hexdigest()
