"""Results of benches put into the pages that cite them, with the day and commit of their making."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

END = "END"  # of the file
_ASKED = re.compile(r"<!-- results: (\S+) from \"([^\"]+)\" to \"([^\"]+)\" -->")


def with_results(page: str, folder: Path) -> str:
    """Return a page in which each comment `results: FILE from "A" to "B"` is what stands there.

    The lines of the file between the first that holds A and the next that holds B are put in its
    place, and below them the day and the commit that wrote the newest of them.

    Raises
    ------
    ValueError
        If the file holds no such lines.
    """

    def found(asked: re.Match[str]) -> str:
        file = folder / asked[1]
        lines = file.read_text(encoding="utf-8").splitlines()
        first = _line_with(lines, asked[2], 0, file)
        last = _line_with(lines, asked[3], first + 1, file)
        rows = "\n".join(lines[first + 1 : last]).strip()
        return f"{rows}\n\n*{measured(file, first + 2, last)}*"

    return _ASKED.sub(found, page)


def _line_with(lines: list[str], text: str, start: int, file: Path) -> int:
    if text == END:
        return len(lines)
    for number in range(start, len(lines)):
        if text in lines[number]:
            return number
    raise ValueError(f"{file.name} holds no line with {text!r} after line {start}")


def measured(file: Path, first: int, last: int) -> str:
    """Return when the newest of some lines was written, and by which commit, as git knows it."""
    command = ["git", "blame", "--porcelain", "-L", f"{first},{last}", "--", file.name]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    commits = re.findall(r"^([0-9a-f]{40}) ", done.stdout, flags=re.MULTILINE)
    known = {commit for commit in commits if set(commit) != {"0"}}
    if done.returncode or not known:
        return "Not in version control: the day is not known."
    command = ["git", "show", "-s", "--format=%ct %cs %h", *known]
    said = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=True)
    _, day, commit = max(line.split() for line in said.stdout.splitlines())
    return f"Written on {day}, commit {commit}."
