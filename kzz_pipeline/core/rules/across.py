"""Rules whose findings need several releases; the yearly stage makes them."""

from kzz_pipeline.core.rules.model import announce

announce(
    "project-in-two-releases", "warning", "Two releases hold the same project for the same year",
    "Its money would count twice: the aggregates count the release of the later year (or the later name) only.",
    "Nothing, if the later release replaces the earlier; else ask the bureau which holds.",
)  # fmt: skip
