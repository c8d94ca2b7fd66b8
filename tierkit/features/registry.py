"""The list of all features, and why one cannot be built from a source.

To add a feature: write a function with its definition in the module of its kind (an expression over
a block's rows, or a column from other columns), and add one line to that module's `FEATURES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from tierkit.criterion_words import plain_name
from tierkit.crm import Tables
from tierkit.errors import Problem, SettingsError
from tierkit.features import deals, engagement, firmographics, revenue
from tierkit.features.feature import Aggregate, Feature
from tierkit.features.own import own_criteria
from tierkit.features.windows import DATED_TABLES, MAX_LOOK_BACK
from tierkit.settings import Settings

_GROUPS: Mapping[str, tuple[Feature, ...]] = {
    "Revenue": revenue.FEATURES,
    "Deals": deals.FEATURES,
    "Engagement": engagement.FEATURES,
    "Company": firmographics.FEATURES,
    "Family of companies": firmographics.FAMILY_FEATURES,
    "Our effort": engagement.EFFORT_FEATURES,
}
FEATURES: tuple[Feature, ...] = tuple(one for group in _GROUPS.values() for one in group)
PAST_REVENUE = ("won_revenue_1q", "won_revenue_4q")


def all_features(tables: Tables, settings: Settings) -> tuple[Feature, ...]:
    """Return the standard features and those of the columns that the settings name.

    Raises
    ------
    SettingsError
        If `features` names an unknown column or feature, or a column with a feature's name.
    """
    named = firmographics.named_features(tables, settings)
    standard = {feature.name for feature in FEATURES}
    twice = [feature.name for feature in named if feature.name in standard]
    if twice:
        raise SettingsError(
            f"features.account_columns: {', '.join(twice)} is the name of a standard feature. "
            "Rename the column of accounts."
        )
    own = [one.feature() for one in own_criteria(settings)]
    taken = standard | {feature.name for feature in named}
    if twice := [one.name for one in own if one.name in taken]:
        raise SettingsError(f"{', '.join(twice)}: is a criterion already. Rename your own.")
    features = (*FEATURES, *named, *own)
    _check_leave_out(features, settings.features.leave_out)
    check_card(features, tables, settings)
    return features


def check_card(features: Sequence[Feature], tables: Tables, settings: Settings) -> None:
    """Raise with every column that the settings of the card name and that cannot be a criterion.

    Raises
    ------
    SettingsError
        If a column is unknown (the nearest one is named), measures our own engagement, is left out
        by the settings, or needs a table that the source lacks.
    """
    known = {feature.name: feature for feature in features if not feature.is_hidden}
    enough = dict.fromkeys(("opportunities", *DATED_TABLES), float(MAX_LOOK_BACK))
    lacking = reasons_to_leave_out(features, tables, enough)
    lacking |= dict.fromkeys(settings.features.leave_out, "it is named in features.leave_out")
    problems = []
    favourites = [*settings.model.favourite_criteria]
    for name in dict.fromkeys([*settings.card.columns, *favourites]):
        column = name if name in known else f"log_{name}"
        if column not in known:
            problems.append(_unknown_criterion(name, sorted(known)))
        elif isinstance(found := known[column], Aggregate) and found.effort:
            fix = "Our own effort never makes an account valuable: choose another criterion."
            problems.append(Problem(f"card: {name} measures our own effort", fix))
        elif column in lacking and name in {one.criterion for one in settings.card.criteria}:
            problems.append(
                Problem(f"card: {name} cannot be built: {lacking[column]}", "Leave it.")
            )
    if problems:
        raise SettingsError("The criteria of the card cannot be used", problems)


def _unknown_criterion(name: str, known: Sequence[str]) -> Problem:
    near = get_close_matches(name, [*known, *(one.removeprefix("log_") for one in known)], n=1)
    fix = (
        f"Did you mean {near[0]}?"
        if near
        else f"There are {', '.join(known)}; features.account_columns adds columns of accounts."
    )
    return Problem(f"card: {name} is no criterion", fix, rule="unknown criterion")


def feature_group(name: str, settings: Settings) -> str:
    """Return the heading under which people look for a criterion.

    Examples
    --------
    >>> feature_group("won_revenue_4q", Settings()), feature_group("log_employees", Settings())
    ('Revenue', 'Company')
    """
    for group, features in _GROUPS.items():
        if any(feature.name == name for feature in features):
            return group
    own = {one.name for one in own_criteria(settings)}
    return "Own criteria" if name in own else "Company"


def describe_feature(name: str) -> str:
    """Return the definition of a standard feature: the docstring of its function.

    Examples
    --------
    >>> describe_feature("open_deals_count").splitlines()[0]
    'Count the deals of the target made before as_of and not closed before it.'
    """
    feature = next(feature for feature in FEATURES if feature.name == name)
    compute = getattr(feature.compute, "func", feature.compute)
    return compute.__doc__ or ""


def reasons_to_leave_out(
    features: Sequence[Feature], tables: Tables, known: Mapping[str, float]
) -> dict[str, str]:
    """Return, for each feature that cannot be built, what the source lacks.

    Parameters
    ----------
    known
        By table, the quarters of history before the newest as_of.
    """
    reasons: dict[str, str] = {}
    for feature in features:
        lacking = "" if isinstance(feature, Aggregate) else next(
            (reasons[name] for name in feature.inputs if name in reasons), ""
        )  # fmt: skip
        reason = lacking or _reason(feature, tables, known)
        if reason:
            reasons[feature.name] = reason
    return reasons


def with_past_revenue(
    features: Sequence[Feature], reasons: Mapping[str, str]
) -> tuple[Feature, ...]:
    """Return the features that can be built, and past revenue over what there is in any case.

    The ranking by past revenue needs `PAST_REVENUE`, even where no deal is known yet.
    """
    return tuple(
        feature
        for feature in features
        if feature.name not in reasons or feature.name in PAST_REVENUE
    )


def cut_windows(features: Sequence[Feature], known: Mapping[str, float]) -> dict[str, str]:
    """Return, for each feature whose window begins before the data, what it holds instead.

    Parameters
    ----------
    known
        By table, the quarters of history before an as_of.
    """
    found = {}
    for feature in features:
        if not isinstance(feature, Aggregate) or feature.window is None or feature.is_hidden:
            continue
        asked, there = feature.window.quarters, known.get(feature.block.history, 0.0)
        if asked is not None and feature.block.history and 0 < there < asked:
            found[feature.name] = f"holds the {there:g} of {asked} quarters that are known"
    return found


def _reason(feature: Feature, tables: Tables, known: Mapping[str, float]) -> str:
    history, window = "", False
    if isinstance(feature, Aggregate):
        for need in (*feature.block.needs, *feature.needs):
            if not any(_is_there(tables, way) for way in need.split(" or ")):
                kind = "column" if "." in need else "table"
                return f"needs {kind} {need}"
        history, window = feature.block.history, feature.window is not None
    else:
        history, window = feature.history, bool(feature.history)
    available = known.get(history, 0.0)
    if not window or available >= feature.least or (feature.least <= 1 and available > 0):
        return ""
    return (
        f"needs {_quarters(feature.least)} of {history} before an as_of; "
        f"the newest has {available:g}"
    )


def _is_there(tables: Tables, need: str) -> bool:
    table, _, column = need.partition(".")
    return tables.has(table, *([column] if column else []))


def _quarters(number: int) -> str:
    return f"{number} whole quarter{'' if number == 1 else 's'}"


def _check_leave_out(features: Sequence[Feature], leave_out: Sequence[str]) -> None:
    known = [feature.name for feature in features if not feature.is_hidden]
    unknown = [name for name in leave_out if name not in known]
    if unknown:
        raise SettingsError(
            f"features.leave_out: {' '.join(_no_feature(name, known) for name in unknown)} "
            "`tierkit help criteria` lists all of them."
        )


def _no_feature(name: str, known: Sequence[str]) -> str:
    """Return that there is no such feature, and those that it could mean, also by shown name."""
    near = [one for one in known if plain_name(one) == plain_name(name)]
    near = near or get_close_matches(name, known, n=3)
    meant = " or ".join(
        one if plain_name(one) == one.replace("_", " ") else f'{one} (shown as "{plain_name(one)}")'
        for one in near
    )
    return f"there is no feature {name}." + (f" Did you mean {meant}?" if meant else "")
