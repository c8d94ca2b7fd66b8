"""What is wrong with a setting, in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from tierkit.errors import Problem
from tierkit.settings.whole import Settings

_SECRET_WORDS = ("password", "passwd", "token", "secret", "api_key", "apikey", "credential")


def settings_problems(detail: ErrorDetails) -> list[Problem]:
    """Return the problems that one finding of pydantic stands for."""
    where = [str(part) for part in detail["loc"] if not _is_union_arm(part)]
    if detail["type"] == "extra_forbidden":
        return [_unknown_name(where)]
    if detail["type"] == "value_error":
        place = f"{'.'.join(where)}: " if where else ""
        return [
            Problem(f"{place}{line}", "Change one of them.", rule="contradiction")
            for line in str(detail["ctx"]["error"]).splitlines()
        ]
    found = json.dumps(detail["input"], default=str)
    message = f"{'.'.join(where)}: {_lower_first(detail['msg'])}, found {found[:80]}"
    return [Problem(message, "See the settings page of the documentation.", rule="wrong value")]


def _is_union_arm(part: int | str) -> bool:
    return isinstance(part, str) and (
        part.startswith(("literal[", "constrained", "points["))
        or part in {"float", "int", "str", "bool"}
    )


def _unknown_name(where: Sequence[str]) -> Problem:
    key = ".".join(where)
    if any(word in where[-1].lower() for word in _SECRET_WORDS):
        return Problem(
            f"{key}: is no setting", "Secrets are never settings: name a profile.", rule="secret"
        )
    known = list(_names_at(Settings, where[:-1]))
    near = get_close_matches(where[-1], known, n=1, cutoff=0.5)
    mend = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    return Problem(f"{key}: is no setting", mend, rule="unknown setting")


def _names_at(model: type[BaseModel], path: Sequence[str]) -> Iterable[str]:
    for part in path:
        if part.isdigit() or part not in model.model_fields:
            continue
        inner = model.model_fields[part].annotation
        parts = [
            arm
            for arm in (inner, *get_args(inner))
            if isinstance(arm, type) and issubclass(arm, BaseModel)
        ]
        if parts:
            model = parts[0]
    return model.model_fields


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
