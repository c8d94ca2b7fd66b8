"""`run.json`: what went into a run, what it took, and when it was; pages hold none of the times."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tierkit.settings import Settings

Replacements = Sequence[tuple[str, str]]
Json = Any  # what `json` reads and writes: mappings, lists, texts, numbers, None
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
    """Return what finds a path and those below it, but no longer name that begins alike.

    Examples
    --------
    >>> path_pattern("/srv/acme").sub("<project>", "/srv/acme/data and /srv/acme-old")
    '<project>/data and /srv/acme-old'
    """
    return re.compile(rf"(?<![\w.~/-]){re.escape(path)}(?![\w-])")


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
        if len(value) >= _SHORTEST_SECRET and _names_a_secret(name)
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


_PACKAGES = (
    "tierkit",
    "duckdb",
    "interpret-core",
    "matplotlib",
    "narwhals",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "statsmodels",
)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Stage:
    """One step of a run: its seconds, and the most bytes that it held (None where not known)."""

    name: str
    seconds: float
    peak_memory: int | None = None


def now() -> str:
    """Return the present moment, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_run_id() -> str:
    """Return a name for a run: when it began, in UTC, and six digits that no other run shares."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on."""
    installed = {name: _version(name) for name in _PACKAGES}
    found = {name: version for name, version in installed.items() if version}
    return {"python": platform.python_version(), **found}


def input_files(source: Path) -> list[dict[str, str | int]]:
    """Return the files that a run reads: name, bytes and SHA-256, one entry per file by name.

    Parameters
    ----------
    source
        The folder of tables or the database file; where it is missing the list is empty.
    """
    files = [source] if source.is_file() else sorted(source.rglob("*"))
    base = source.parent if source.is_file() else source
    return [
        {
            "file": path.relative_to(base).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": file_hash(path),
        }
        for path in files
        if path.is_file() and not path.name.startswith(".")
    ]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def row_counts(run_folder: Path) -> dict[str, int]:
    """Return the rows of each table that the notebooks read, as they noted them in `rows.json`."""
    noted = run_folder / "rows.json"
    return json.loads(noted.read_text(encoding="utf-8")) if noted.is_file() else {}


def settings_rows(
    settings: Settings, replacements: Replacements = ()
) -> list[tuple[str, str, bool]]:
    """Return every effective setting: dotted key, value as JSON, and whether it is the default.

    Examples
    --------
    >>> rows = settings_rows(Settings())
    >>> [row for row in rows if row[0] == "stability.keep_band"]
    [('stability.keep_band', '1.25', True)]
    """
    defaults = dict(flat_settings(Settings().model_dump(mode="json")))
    values = flat_settings(scrubbed(settings.model_dump(mode="json"), replacements))
    return [(key, _text(value), defaults.get(key, _ABSENT) == value) for key, value in values]


def write_manifest(
    path: Path,
    *,
    run: Mapping[str, Json],
    settings: Settings,
    stages: Sequence[Stage],
    replacements: Replacements = (),
) -> None:
    """Write `run.json`.

    Parameters
    ----------
    run
        What the runner knows: run id, quarter, times, inputs, arguments.
    settings, stages
        The effective settings, and what each step took.
    replacements
        Local paths, and what stands in their place.
    """
    content = {
        **run,
        "settings": settings.model_dump(mode="json"),
        "versions": package_versions(),
        "platform": platform.platform(),
        "stages": [asdict(stage) for stage in stages],
    }
    text = json.dumps(scrubbed(content, replacements), indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def read_column(path: Path, column: str) -> set[str]:
    """Return the texts of one column of a CSV file, empty ones left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row[column] for row in csv.DictReader(file) if row.get(column)}


_ABSENT = object()


def flat_settings(value: Json, key: str = "") -> list[tuple[str, Any]]:
    """Return nested settings as pairs of a dotted key and its value.

    Examples
    --------
    >>> flat_settings({"run": {"min_group": 5}, "tiers": [{"name": "Tier 1"}]})
    [('run.min_group', 5), ('tiers.0.name', 'Tier 1')]
    """
    if isinstance(value, dict) and value:
        return [
            row
            for name, inner in value.items()
            for row in flat_settings(inner, f"{key}.{name}" if key else str(name))
        ]
    if isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        return [
            row for at, inner in enumerate(value) for row in flat_settings(inner, f"{key}.{at}")
        ]
    return [(key, value)]


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
