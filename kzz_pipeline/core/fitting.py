"""Which cell belongs under which column, where a row has fewer cells than there are columns, or more."""

from collections.abc import Callable


def fit(
    cells: int, columns: int, misfit: Callable[[int, int], float], left_out: float
) -> tuple[float, list[int | None]]:
    """The least sum of misfits, and for each cell its column, in order; None for a cell that is left out.

    `misfit` says how badly a cell suits a column, `left_out` what leaving a cell out adds.
    """
    # From the last cell to the first: for each first column that is free, the least sum and the cell's own column.
    least = [0.0] * (columns + 1)
    chosen: list[list[int | None]] = []
    for cell in reversed(range(cells)):
        sums = [0.0] * (columns + 1)
        choices: list[int | None] = [None] * (columns + 1)
        best, best_at = float("inf"), columns
        for column in reversed(range(columns + 1)):
            if column < columns and (cost := least[column + 1] + misfit(cell, column)) <= best:
                best, best_at = cost, column
            without = least[column] + left_out
            sums[column], choices[column] = (best, best_at) if best < without else (without, None)
        least = sums
        chosen.append(choices)
    found: list[int | None] = []
    free = 0
    for choices in reversed(chosen):
        at = choices[free]
        found.append(at)
        free = free if at is None else at + 1
    return least[0], found
