"""Everything the core needs to know about words, in one hand."""

from dataclasses import dataclass

from kzz_pipeline.core.names import Names
from kzz_pipeline.core.units import Units
from kzz_pipeline.core.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Words:
    """Labels of the tables, names of budget units and places, units of measure."""

    labels: Vocabulary
    names: Names
    units: Units
