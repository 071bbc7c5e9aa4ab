"""`corrections.yml`, beside the raw root: what a person decided about a release, with the reason.

    accept:                                # publish in spite of a finding, and stop counting it as open
      - finding: 2020-kzz-key-projects-listed-amount-13-5
        reason: both figures confirmed by the bureau
      - {rule: listed-without-table, release: 2020-kzz-part, reason: two tables were never published}
    correct:                               # read one cell otherwise than printed
      - {release: 2020-kzz-key-projects, line: 13, column: 5, expect: "89.76", value: "87.96", reason: misprint}
    assume:                                # what a release forgets to print
      - {release: 2020-kzz-key-projects, money_unit: 万元, reason: said in the covering letter}
    withdraw:                              # take out what is published of a release whose file is gone
      - {release: 2020-draft, reason: replaced by 2020-final}

A correction whose `expect` is not what the cell prints refuses its release: it was written for other bytes.
"""

import hashlib
import json
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.normalize import CellCorrection
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import RULES
from kzz_pipeline.core.tokens import Tokens

_CODES = {rule.code for rule in RULES}
# What a person may read otherwise: cells that values are made of, not the labels around them.
_CORRECTABLE = {
    "indicator", "value", "attribute", "field_value", "goal", "year", "listed_no", "department", "implementing_unit",
    "listed_project", "amount", "list_field", "total",
}  # fmt: skip
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    reason: Text


class Acceptance(_Entry):
    """A finding (by id, or every one of a rule in a release) that a person has seen and accepts."""

    finding: Text | None = None
    rule: Text | None = None
    release: Text | None = None

    @model_validator(mode="after")
    def _names_something(self) -> "Acceptance":
        if (self.finding is None) == (self.rule is None or self.release is None):
            raise ValueError("name either the finding, or the rule and the release")
        if self.rule is not None and self.rule not in _CODES:
            raise ValueError(f"there is no rule {self.rule} (kzz rules lists them)")
        return self


class Correction(_Entry):
    """A cell to be read otherwise than printed; `expect` is what is printed there now."""

    release: Text
    line: Annotated[int, Field(ge=1)]
    column: Annotated[int, Field(ge=1)]
    expect: Text
    value: Text


class Assumption(_Entry):
    """What a release does not print."""

    release: Text
    money_unit: Literal["元", "百元", "千元", "万元", "百万元", "千万元", "亿元"]


class Withdrawal(_Entry):
    """A release whose file is gone, and whose rows are to go too."""

    release: Text


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    accept: tuple[Acceptance, ...] = ()
    correct: tuple[Correction, ...] = ()
    assume: tuple[Assumption, ...] = ()
    withdraw: tuple[Withdrawal, ...] = ()

    @field_validator("*", mode="before")
    @classmethod
    def _none(cls, entries: Any) -> Any:
        # A heading whose entries are all commented out.
        return () if entries is None else entries

    @model_validator(mode="after")
    def _says_one_thing(self) -> "_File":
        cells = [(entry.release, entry.line, entry.column) for entry in self.correct]
        if twice := _twice(cells):
            raise ValueError(f"correct names line {twice[1]}, column {twice[2]} of {twice[0]} twice")
        if unit_twice := _twice([entry.release for entry in self.assume]):
            raise ValueError(f"assume names {unit_twice} twice")
        return self


def _twice(items: list[Any]) -> Any:
    return next((item for at, item in enumerate(items) if item in items[:at]), None)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a person decided about one release."""

    findings: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    cells: tuple[Correction, ...] = ()
    money_unit: str | None = None

    @property
    def digest(self) -> str:
        """Changes when a decision does; empty where nothing was decided."""
        if not (self.findings or self.rules or self.cells or self.money_unit):
            return ""
        cells = [cell.model_dump() for cell in self.cells]
        text = json.dumps([self.findings, self.rules, cells, self.money_unit], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def accepted(self, finding_id: str, rule: str) -> str | None:
        """Why a finding was accepted; None where it is open."""
        return self.findings.get(finding_id) or self.rules.get(rule)

    def cell_corrections(self, cells: Iterable[Tokens]) -> dict[tuple[int, int], CellCorrection]:
        """The corrections by line and cell; `cells` are those of the release, gone through for each.

        Raises Refusal where a cell does not print what was expected, or where nothing would follow from its correction.
        """
        found = {}
        for cell in self.cells:
            tokens = [
                token for chunk in cells for token in chunk if (token.line, token.column) == (cell.line, cell.column)
            ]
            printed = [strip(token.text) for token in tokens]
            if cell.expect not in printed:
                what = "nothing" if not printed else " ".join(printed)
                raise Refusal(
                    "correction-does-not-hold",
                    f"corrections.yml expects {cell.expect} in cell {cell.column}, but {what} is printed there",
                    "look at the cell again and change or remove that entry of corrections.yml",
                    cell.line,
                )
            token = next(token for token in tokens if strip(token.text) == cell.expect)
            # A goal of the whole period is published as printed only.
            is_other_goal = token.role == "goal" and token.name != "annual"
            if token.role not in _CORRECTABLE or is_other_goal:
                role = f"{token.name} {token.role}" if is_other_goal else token.role
                raise Refusal(
                    "correction-without-effect",
                    f"corrections.yml corrects {cell.expect} in cell {cell.column}, which is read as {role}: nothing follows from it",
                    "correct the cell of a value, or say what is not printed under assume (see docs/corrections.md)",
                    cell.line,
                )
            found[cell.line, cell.column] = CellCorrection(cell.expect, cell.value, cell.reason)
        return found


_NONE = Decisions()


class Corrections:
    """Every decision of a `corrections.yml`, by release."""

    def __init__(self, content: _File | None = None) -> None:
        self._content = content or _File()

    def of(self, release_id: str) -> Decisions:
        """What was decided about a release."""
        content = self._content
        if not (content.accept or content.correct or content.assume):
            return _NONE
        prefix = f"{release_id}-"
        findings = {a.finding: a.reason for a in content.accept if a.finding and a.finding.startswith(prefix)}
        rules = {a.rule: a.reason for a in content.accept if a.rule and a.release == release_id}
        cells = tuple(cell for cell in content.correct if cell.release == release_id)
        units = [entry.money_unit for entry in content.assume if entry.release == release_id]
        return Decisions(findings, rules, cells, units[-1] if units else None)

    def withdrawn(self, release_id: str) -> str | None:
        """Why what is published of a release is to be taken out; None where it is not."""
        return next((entry.reason for entry in self._content.withdraw if entry.release == release_id), None)

    def idle(
        self,
        known: Container[str],
        present: Container[str],
        findings: Callable[[str], set[str] | None],
        money_unit: Callable[[str], str | None],
    ) -> Iterator[str]:
        """What is wrong with entries that nothing follows from, a sentence each.

        `known` are the releases ever taken in, `present` those whose file is there. `findings` gives the ids and the
        rules of the findings of one, `money_unit` what it is published in; None where these cannot be told.
        """
        content = self._content
        for name in ("accept", "correct", "assume", "withdraw"):
            for at, entry in enumerate(getattr(content, name)):
                release = entry.release or _release_of(entry.finding, known)
                if release is None:
                    yield f"{name}[{at}]: no release has a finding {entry.finding} (kzz findings lists them)"
                elif release not in known:
                    yield f"{name}[{at}]: no release is called {release}"
                elif name == "withdraw" and release in present:
                    yield f"{name}[{at}]: the file of {release} is still there; take it away, and the release goes too"
                elif name == "assume" and (unit := money_unit(release)) not in (None, entry.money_unit):
                    yield f"{name}[{at}]: {release} prints {unit} itself"
                elif name == "accept":
                    wanted, there = entry.finding or entry.rule, findings(release)
                    if there is not None and wanted not in there:
                        yield f"{name}[{at}]: {release} has no finding {wanted} (kzz findings lists them)"


def _release_of(finding: str, known: Container[str]) -> str | None:
    parts = finding.split("-")
    ids = ("-".join(parts[:count]) for count in range(len(parts) - 1, 1, -1))
    return next((release_id for release_id in ids if release_id in known), None)


def read_corrections(path: Path) -> Corrections:
    """The decisions in a file; none where there is no file. Raises Refusal where it is not valid, naming the place."""
    advice = "correct the file (see docs/corrections.md), then run again"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Corrections()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal("corrections-unreadable", f"{path}: {error}", advice) from None
    try:
        tree = yaml.compose(text, yaml.SafeLoader)
        if twice := _key_twice(tree):
            raise Refusal("corrections-invalid", f"{path} line {_line(twice)}: {twice.value} stands twice", advice)
        return Corrections(_File.model_validate(yaml.safe_load(text) or {}))
    except yaml.MarkedYAMLError as error:
        where = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Refusal("corrections-invalid", f"{path}{where}: {error.problem}", advice) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Refusal("corrections-invalid", f"{path}: {error}", advice) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        what = _WORDS.get(first["type"], first["msg"].removeprefix("Value error, "))
        message = f"{path} line {_line(_node(tree, first['loc']))}: {place or 'the file'}: {what}"
        raise Refusal("corrections-invalid", message, advice) from None


# What pydantic says in its own terms.
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "there is no entry of that name",
    "string_type": "a text is wanted: put it between quotes, so that it is taken as it stands",
    "string_too_short": "is empty",
    "int_type": "a whole number is wanted",
    "int_parsing": "a whole number is wanted",
    "tuple_type": "a list of entries is wanted, each begun with a dash",
    "model_type": "an entry with names and values is wanted, such as reason: …",
}


def _key_twice(node: Any) -> Any:
    """The first key of a mapping, at any depth, that stands there before: the one before it would be lost unsaid."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        for at, (key, value) in enumerate(node.value):
            if key.value in keys[:at]:
                return key
            if found := _key_twice(value):
                return found
    elif isinstance(node, yaml.SequenceNode):
        return next((found for item in node.value if (found := _key_twice(item))), None)
    return None


def _node(node: Any, place: tuple[int | str, ...]) -> Any:
    """The node at a place in the file, or the last one on the way to it."""
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), node)
    return node


def _line(node: Any) -> int:
    return node.start_mark.line + 1 if node is not None else 1
