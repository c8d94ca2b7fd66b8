"""An assignment by random draw, in a file that nobody can change unnoticed."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd

from tierkit.errors import DataError
from tierkit.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Assignment:
    """Accounts with what a random draw gave them.

    Attributes
    ----------
    rows
        One row per account; `columns` names what it holds, `quarter` (label of the first in which
        the draw is in force) and `seed` among it.
    """

    rows: pd.DataFrame

    kind: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    texts: ClassVar[tuple[str, ...]] = ("account_id",)

    @property
    def quarter(self) -> str:
        """Label of the first quarter in which the draw is in force."""
        return self._shared("quarter")

    @property
    def seed(self) -> int:
        """The seed of the draw."""
        return int(self._shared("seed"))

    @property
    def hash(self) -> str:
        """A short hash of the assignment: whoever has it can prove that nothing was changed."""
        return hashlib.sha256(self._text().encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The text of the assignment file; its first line holds the hash."""
        return f"# {self.kind} {self.hash}\n{self._text()}"

    def write(self, path: Path) -> None:
        """Write the assignment file; its first line holds the hash."""
        write_whole(path, self.text)

    @classmethod
    def holds(cls, path: Path) -> bool:
        """Return whether a file says that it is an assignment of this kind."""
        with path.open(encoding="utf-8") as file:
            return file.readline().startswith(f"# {cls.kind} ")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read an assignment file.

        Raises
        ------
        DataError
            If the file is no such assignment, lacks a column, or was changed since it was drawn.
        """
        first, _, text = path.read_text(encoding="utf-8").partition("\n")
        if not first.startswith(f"# {cls.kind} "):
            raise DataError(f"{path.name}: no assignment file; its first line names no hash.")
        types = dict.fromkeys(cls.texts, "object")
        rows = pd.read_csv(io.StringIO(text), dtype=types, keep_default_na=False)
        if missing := set(cls.columns) - set(rows.columns):
            raise DataError(f"{path.name}: no column {', '.join(sorted(missing))}.")
        if rows.empty:
            raise DataError(f"{path.name}: holds no account.")
        found = cls(rows[[*cls.columns]])
        written = first.removeprefix(f"# {cls.kind} ").strip()
        if found.hash != written:
            raise DataError(
                f"{path.name}: drawn as {written}, but what it holds now is {found.hash}. Somebody "
                "changed it after the draw; restore the file as it was drawn."
            )
        return found

    def _shared(self, column: str) -> str:
        """Return what stands in a column that is the same for every account."""
        return str(self.rows[column].iloc[0])

    def _text(self) -> str:
        ordered = self.rows[[*self.columns]].sort_values("account_id", kind="stable")
        return str(ordered.to_csv(index=False, lineterminator="\n"))


def generator(seed: int, *words: str) -> np.random.Generator:
    """Return the random generator of one draw: of its seed, and of what is drawn."""
    digest = hashlib.sha256("|".join(words).encode()).digest()[:8]
    return np.random.default_rng([seed, int.from_bytes(digest, "big")])
