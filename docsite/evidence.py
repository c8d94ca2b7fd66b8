"""Results of benches put into the pages that cite them, with the day and commit of their making."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tierkit.reference.pages import with_citations


def with_results(page: str, folder: Path) -> str:
    """Return a page with what it cites, and below it the day and commit that wrote it."""
    return with_citations(page, folder, measured)


def built_from(folder: Path) -> str:
    """Return the commit from which the site is built, with its day."""
    command = ["git", "show", "-s", "--format=%cs, commit %h", "HEAD"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        return "Not in version control: the day is not known."
    return f"Built from the code of {done.stdout.strip()}; figures were drawn from it."


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
