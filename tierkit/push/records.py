"""Records of a CRM as `push` sees them: one field of one object, read and updated by record id."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from tierkit.errors import CrmError, SettingsError, TierkitError


class CrmRecords(Protocol):
    """One field of one kind of record.

    Attributes
    ----------
    crm, host
        `salesforce` or `hubspot`, and the computer that answers for it.
    object_name, field
        The kind of record and the field that is read and written.
    batch_size
        The most records that one request reads.
    """

    crm: str
    host: str
    object_name: str
    field: str
    batch_size: int

    def write_size(self, records: int) -> int:
        """Return how many records are written at a time, where so many are to be written."""

    def id_problem(self, record_id: str) -> str:
        """Return why a text cannot be a record id; empty where it can."""

    def same_record(self, record_id: str) -> str:
        """Return the part of an id that two spellings of one record share."""

    def check_field(self, values: Collection[str]) -> None:
        """Raise where the field is not there, cannot be written, or takes none of the values."""

    def read(self, ids: Sequence[str]) -> dict[str, str]:
        """Return what the field holds by id, empty text for nothing; unknown ids are left out."""

    def update(self, values: Mapping[str, str]) -> dict[str, str]:
        """Write values by id, empty text clears; return the reasons of those that failed.

        Raises
        ------
        RejectedError
            If the whole request was refused for what stands in it; nothing is written then.
        """


class RejectedError(CrmError):
    """A request that the CRM refused as a whole for what stands in it."""


_REFUSED_FOR_CONTENT = (400, 409, 413, 414, 415, 422)
_NOT_AUTHORISED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 403, 404, 429
_GOES_ON = "The same command goes on where it stopped."


def failed_request(crm: str, status: int, reason: str, *, token: str) -> TierkitError:
    """Return the error of an answer that is no success.

    Parameters
    ----------
    status
        The answer's HTTP status.
    reason
        What the CRM said, without any secret.
    token
        The name of the variable that holds the access token.

    Examples
    --------
    >>> print(failed_request("hubspot", 401, "expired", token="TIERKIT_HUBSPOT_TOKEN"))
    hubspot: the access token is expired or wrong (401: expired). Put a new one into
    TIERKIT_HUBSPOT_TOKEN. The same command goes on where it stopped.
    """
    said = f"{status}: {reason}" if reason else str(status)
    if status == _NOT_AUTHORISED:
        return SettingsError(
            f"{crm}: the access token is expired or wrong ({said}). Put a new one into {token}. "
            f"{_GOES_ON}"
        )
    if status == _FORBIDDEN:
        return SettingsError(
            f"{crm}: the access token may not do that ({said}). Give its user or app the right to "
            "read and write the field."
        )
    if status == _NOT_FOUND:
        return SettingsError(
            f"{crm}: nothing answers at that address ({said}). Check the object in [push.{crm}]."
        )
    if status in _REFUSED_FOR_CONTENT:
        return RejectedError(f"{crm}: the request was refused ({said}).")
    if status == _TOO_MANY:
        return CrmError(f"{crm}: too many requests, also after waiting ({said}). {_GOES_ON}")
    return CrmError(f"{crm}: no useful answer, also after waiting ({said}). {_GOES_ON}")


def read_all(records: CrmRecords, ids: Sequence[str]) -> dict[str, str]:
    """Return what the field holds by id, asked for in batches; unknown ids are left out."""
    held: dict[str, str] = {}
    for start in range(0, len(ids), records.batch_size):
        held |= _read(records, ids[start : start + records.batch_size])
    return held


def _read(records: CrmRecords, ids: Sequence[str]) -> dict[str, str]:
    """Return what the field holds; of a refused request the halves, so that one id harms none."""
    try:
        return records.read(ids)
    except RejectedError:
        if len(ids) == 1:
            return {}
    middle = len(ids) // 2
    return _read(records, ids[:middle]) | _read(records, ids[middle:])


def update_each(records: CrmRecords, values: Mapping[str, str]) -> dict[str, str]:
    """Write values by id; return the reasons of those that failed.

    A request that is refused as a whole is sent again in halves, until it is known for which
    records.
    """
    try:
        return records.update(values)
    except RejectedError as error:
        if len(values) == 1:
            return dict.fromkeys(values, str(error))
    items, middle = [*values.items()], len(values) // 2
    return update_each(records, dict(items[:middle])) | update_each(records, dict(items[middle:]))
