"""Layout recovery: lines of ragged cells to tokens with roles.

A release is read top to bottom: what stands before the tables, the list, then table after table. Inside a table the
zone (header fields, goal, indicators) follows from the labels that the lines themselves print, never from a
cell's number alone. What fits nowhere is `unread`, with its reason.

Each module but `furniture`, which tells what is printed around the tables, holds one class, which calls its own methods
and those that it inherits: `cells`, `state` and `ahead` are what all build on, `titles`, `preamble`, `header`, `amounts`,
`goal`, `tree`, `below` and `joint` read a zone each, and `reader` gives them the lines. The few methods that are called
the other way are declared in `state`.
"""

from kzz_pipeline.core.layout.reader import read_chunks, read_layout

__all__ = ["read_chunks", "read_layout"]
