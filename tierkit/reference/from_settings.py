"""The chapter of settings: every key of `tierkit.toml` with its type, default and limits."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tierkit.reference.chapters import Chapter, Entry, words
from tierkit.settings import Settings

LEAD = (
    "Everything that a business may argue about stands in `tierkit.toml`. Relative paths "
    "start at the file's own folder. `--set KEY=VALUE` puts a value over the file: KEY is a "
    "dotted path such as `stability.keep_band` or `tiers.0.capacity`, VALUE is TOML, so text "
    "needs quotes."
)
_LIMITS = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}
_SIMPLE = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def settings_chapter() -> Chapter:
    """Return every setting, section by section.

    Examples
    --------
    >>> entries = {entry.name: entry for entry in settings_chapter().entries}
    >>> dict(entries["stability.keep_band"].details)
    {'type': 'number, at least 1', 'default': '1.25'}
    """
    meanings = words("settings")
    groups = {}
    for section, part in Settings.model_fields.items():
        of_section = meanings.get(section, {})
        entries = tuple(
            Entry(f"{section}.{path}", meaning_of(of_section, path), _details(one))
            for path, one in _fields(_model_in(part.annotation))
        )
        groups[_heading(section, part)] = (str(of_section.get("_", "")), entries)
    return Chapter("settings", "Settings", LEAD, groups)


def meaning_of(meanings: Mapping[str, Any], path: str) -> str:
    """Return the meaning at a dotted path, empty where there is none."""
    found: Any = meanings
    for name in path.split("."):
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, str) else ""


def _heading(section: str, part: FieldInfo) -> str:
    if section == "tiers":
        return "[[tiers]]"
    return f"[{section}.NAME]" if get_origin(part.annotation) is dict else f"[{section}]"


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, one in model.model_fields.items():
        inner = _models_in(one.annotation)
        if inner:
            yield from ((f"{name}.{path}", below) for path, below in _fields(inner[0]))
        else:
            yield name, one


def _model_in(annotation: Any) -> type[BaseModel]:  # noqa: ANN401 (any annotation of a field)
    return _models_in(annotation)[0]


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _details(one: FieldInfo) -> dict[str, str]:
    limits = _limits(one.metadata)
    kind = ", ".join([_type_name(one.annotation), *limits])
    return {"type": kind, "default": _default(one)}


def _default(one: FieldInfo) -> str:
    value = one.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "must be given"
    if value is None or value in ((), {}, ""):
        return "not set"
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value, default=str)


def _limits(metadata: list[Any]) -> list[str]:
    return [
        text.format(f"{getattr(one, name):g}")
        for one in metadata
        for name, text in _LIMITS.items()
        if getattr(one, name, None) is not None
    ]


def _type_name(kind: Any) -> str:  # noqa: ANN401
    """Return a type in words, as it is written in TOML."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        inner = [*(m for m in parts[1:] if not isinstance(m, FieldInfo))]
        inner += [m for field in parts[1:] if isinstance(field, FieldInfo) for m in field.metadata]
        return ", ".join([_type_name(parts[0]), *_limits(inner)])
    if origin is Literal:
        return " or ".join(json.dumps(part) for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(_type_name(part) for part in parts if part is not type(None))
    if origin in (dict, tuple):
        container = "table" if origin is dict else "list"
        return f"{container} of {_type_name(parts[origin is dict])}"
    return _SIMPLE.get(kind, str(kind))
