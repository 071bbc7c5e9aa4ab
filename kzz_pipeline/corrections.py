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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from kzz_pipeline.core.characters import strip
from kzz_pipeline.core.normalize import CellCorrection
from kzz_pipeline.core.refusal import Refusal
from kzz_pipeline.core.rules import RULES
from kzz_pipeline.core.tokens import Parse

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

    def cell_corrections(self, parse: Parse) -> dict[tuple[int, int], CellCorrection]:
        """The corrections by line and cell.

        Raises Refusal where a cell does not print what was expected, or where nothing would follow from its correction.
        """
        found = {}
        for cell in self.cells:
            tokens = [token for token in parse.cells if (token.line, token.column) == (cell.line, cell.column)]
            printed = [strip(token.text) for token in tokens]
            if cell.expect not in printed:
                what = "nothing" if not printed else " ".join(printed)
                raise Refusal(
                    "correction-does-not-hold",
                    f"corrections.yml expects {cell.expect} in cell {cell.column}, but {what} is printed there",
                    "look at the cell again and change or remove that entry of corrections.yml",
                    cell.line,
                )
            role = next(token.role for token in tokens if strip(token.text) == cell.expect)
            if role not in _CORRECTABLE:
                raise Refusal(
                    "correction-without-effect",
                    f"corrections.yml corrects {cell.expect} in cell {cell.column}, which is read as {role}: nothing follows from it",
                    "correct the cell of a value, or say what is not printed under assume (see docs/corrections.md)",
                    cell.line,
                )
            found[cell.line, cell.column] = CellCorrection(cell.expect, cell.value, cell.reason)
        return found


class Corrections:
    """Every decision of a `corrections.yml`, by release."""

    def __init__(self, content: _File) -> None:
        self._content = content

    def of(self, release_id: str) -> Decisions:
        """What was decided about a release."""
        content = self._content
        prefix = f"{release_id}-"
        findings = {a.finding: a.reason for a in content.accept if a.finding and a.finding.startswith(prefix)}
        rules = {a.rule: a.reason for a in content.accept if a.rule and a.release == release_id}
        cells = tuple(cell for cell in content.correct if cell.release == release_id)
        units = [entry.money_unit for entry in content.assume if entry.release == release_id]
        return Decisions(findings, rules, cells, units[-1] if units else None)

    def withdrawn(self, release_id: str) -> str | None:
        """Why what is published of a release is to be taken out; None where it is not."""
        return next((entry.reason for entry in self._content.withdraw if entry.release == release_id), None)


def read_corrections(path: Path) -> Corrections:
    """The decisions in a file; none where there is no file. Raises Refusal where it is not valid, naming the place."""
    advice = "correct the file (see docs/corrections.md), then run again"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Corrections(_File())
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal("corrections-unreadable", f"{path}: {error}", advice) from None
    try:
        return Corrections(_File.model_validate(yaml.safe_load(text) or {}))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise Refusal("corrections-invalid", f"{path}: {error.problem}", advice, line) from None
    except yaml.YAMLError as error:
        raise Refusal("corrections-invalid", f"{path}: {error}", advice) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        message = f"{path}: {place or 'the file'}: {first['msg']}"
        raise Refusal("corrections-invalid", message, advice) from None
