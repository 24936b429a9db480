"""Which column of a table is what."""

from __future__ import annotations

from collections.abc import Sequence

from hybrid_train.errors import ConfigError
from hybrid_train.support.messages import printable, quoted
from hybrid_train.support.names import nearest

Column = str | int
"""A name in the header, or an index from 0 (from the end if negative)."""


def target_column(target: Column, names: Sequence[str] | None, width: int, file: str) -> int:
    """Return the index of the column of the targets.

    Args:
        target: "last", or that column.
        names: of the columns; None without a header.
        width: columns there are.
        file: for messages.

    Raises:
        ConfigError: no such column.
    """
    if target != "last":
        return _index("target", target, names, width, file, "give 'last' or a column index")
    if names is not None and "last" in names[:-1]:
        raise ConfigError(
            f"target='last': {file} has a column of that name which is not the last one; give "
            f"target={names.index('last')} for it or target=-1 for the last column"
        )
    return width - 1


def input_columns(
    columns: Sequence[Column], names: Sequence[str] | None, width: int, file: str, target: int | None
) -> tuple[int, ...]:
    """Return the indexes of the columns asked for, in the order asked for.

    Args:
        columns: asked for.
        names: of all columns; None without a header.
        width: columns there are.
        file: for messages.
        target: index of the column of the targets; None for none.

    Raises:
        ConfigError: no such column, one twice, or the targets among them.
    """
    found = [_index("columns", column, names, width, file, "give column indexes") for column in columns]
    for at, column in zip(found, columns, strict=True):
        if at == target:
            raise ConfigError(f"columns: {quoted(column)} is the target of {file}; leave it out of one of them")
        if found.count(at) > 1:
            raise ConfigError(f"columns: {quoted(column)} is there twice; name each column once")
    return tuple(found)


def _index(option: str, column: Column, names: Sequence[str] | None, width: int, file: str, otherwise: str) -> int:
    if isinstance(column, str):
        if names is None:
            raise ConfigError(f"{option}={quoted(column)}: {file} has no header line; {otherwise}")
        if names.count(column) != 1:
            what = "several columns" if column in names else f"no column{nearest(column, names)}"
            listed = ", ".join(printable(title, 60) for title in names[:20]) + (", .." if width > 20 else "")
            raise ConfigError(f"{option}={quoted(column)}: {file} has {what} of that name; columns: {listed}")
        return names.index(column)
    if isinstance(column, bool) or not isinstance(column, int) or not -width <= column < width:
        raise ConfigError(f"{option}={quoted(column)}: {file} has {width} columns; give an index from 0 to {width - 1}")
    return column % width
