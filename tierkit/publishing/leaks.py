"""Local paths and secrets that no published file may hold: found, and replaced."""

from __future__ import annotations

import html
import json
import os
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tierkit.files import local_spellings

Json = Any  # what `json` reads and writes: mappings, lists, texts, numbers, None
Replacements = Sequence[tuple[str, str]]


_SECRET_PARTS = frozenset(
    {
        "token",
        "password",
        "passwd",
        "pwd",
        "secret",
        "key",
        "apikey",
        "credential",
        "credentials",
        "pat",
    }
)
_LONGER_WORDS = ("token", "password", "secret")
_PLACES = ("file", "path", "dir", "folder", "url")
_SHORTEST_SECRET = 8
_FOLDERS = frozenset({"PWD", "OLDPWD"})
"""Variables in which shells keep the folder that somebody works in."""


def local_paths(project: Path, run_folder: Path | None = None) -> list[tuple[str, str]]:
    """Return the paths that no published file may hold, longest first, and what stands for them.

    Examples
    --------
    >>> [name for _, name in local_paths(Path("/srv/acme"), Path("/srv/acme/.tierkit/runs/1"))]
    ['<run folder>', '<project>', '~']
    """
    places = [(str(run_folder), "<run folder>")] if run_folder else []
    places += [(str(project), "<project>"), (str(Path.home()), "~")]
    return [(path, name) for path, name in places if len(Path(path).parts) > 1]


def path_pattern(path: str) -> re.Pattern[str]:
    """Return what finds a path and those below it, however spelled, but no longer name.

    Examples
    --------
    >>> path_pattern("/srv/acme").sub("<project>", "/srv/acme/data and /srv/acme-old")
    '<project>/data and /srv/acme-old'
    """
    spelled = "|".join(map(re.escape, local_spellings(path)))
    return re.compile(rf"(?:(?<![\w.~/-])|(?<=://))(?:{spelled})(?![\w-])")


def scrubbed(value: Json, replacements: Replacements) -> Json:
    """Return a copy of JSON-like data whose texts hold the replacements; `value` stays as it is.

    Examples
    --------
    >>> scrubbed({"source": ["open('/srv/acme/a.csv')"]}, [("/srv/acme", "<project>")])
    {'source': ["open('<project>/a.csv')"]}
    """
    return _scrub(value, [(path_pattern(path), name) for path, name in replacements])


def secret_values(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the values of environment variables that look like secrets, by name.

    Values of fewer than 8 characters are left out: they occur in ordinary text.

    Examples
    --------
    >>> variables = {"CRM_TOKEN": "abcdefgh1", "KEYBOARD": "qwertz-us", "KEY_FILE": "/a/k.pem"}
    >>> secret_values(variables)
    {'CRM_TOKEN': 'abcdefgh1'}
    """
    environment = os.environ if environment is None else environment
    return {
        name: value
        for name, value in environment.items()
        if len(value) >= _SHORTEST_SECRET and name not in _FOLDERS and _names_a_secret(name)
    }


def _names_a_secret(name: str) -> bool:
    parts = re.split(r"[^a-z]+", name.lower())
    if parts[-1] in _PLACES:
        return False
    return bool(_SECRET_PARTS & set(parts)) or any(word in name.lower() for word in _LONGER_WORDS)


def _scrub(value: Json, patterns: Sequence[tuple[re.Pattern[str], str]]) -> Json:
    if isinstance(value, str):
        for pattern, name in patterns:
            value = pattern.sub(name.replace("\\", r"\\"), value)
        return value
    if isinstance(value, Mapping):
        return {_scrub(key, patterns): _scrub(inner, patterns) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_scrub(inner, patterns) for inner in value]
    return value


_PLAIN = (".html", ".json", ".csv", ".ipynb", ".txt", ".md")


def readable(path: Path) -> str:
    """Return all text of a file; of a workbook, of everything that is packed into it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            parts: Iterable[bytes] = [packed.read(name) for name in packed.namelist()]
    elif path.suffix in _PLAIN:
        parts = [path.read_bytes()]
    else:
        parts = []
    text = "\n".join(part.decode("utf-8", errors="replace") for part in parts)
    return text.replace("\\n", "\n")


def spellings(value: str) -> set[str]:
    """Return a value as plain text, in JSON and in HTML."""
    return {value, json.dumps(value)[1:-1], html.escape(value)}
