"""HubSpot: one property of companies, through its batch endpoints."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tierkit.errors import CrmError, SettingsError
from tierkit.push.records import failed_request
from tierkit.settings import PushTarget

if TYPE_CHECKING:
    from requests import Response, Session

TIMEOUT_SECONDS = 60
_OK = (200, 201, 207)
_NOT_FOUND = 404
_NO_ANSWER = "HubSpot did not say what became of it"


class HubSpotRecords:
    """One property of one kind of object in HubSpot, by record id."""

    crm = "hubspot"
    batch_size = 100

    def __init__(self, session: Session, url: str, target: PushTarget, *, token: str) -> None:
        self.object_name, self.field = target.object, target.field
        self.host = urlsplit(url).netloc
        self._session, self._url, self._token = session, url, token

    def write_size(self, records: int) -> int:  # noqa: ARG002 (the same for any number)
        """Return how many records are written at a time."""
        return self.batch_size

    def id_problem(self, record_id: str) -> str:
        """Return why a text cannot be a record id: those of HubSpot are digits."""
        if record_id.isascii() and record_id.isdigit():
            return ""
        return "is no record id of HubSpot (digits)"

    def same_record(self, record_id: str) -> str:
        """Return the id: each record has one spelling."""
        return record_id

    def check_field(self, values: Collection[str]) -> None:
        """Raise where the property is missing, read-only, or lacks an option for a value."""
        place = f"/crm/v3/properties/{self.object_name}/{self.field}"
        answer = self._send("GET", place)
        if answer.status_code == _NOT_FOUND:
            raise SettingsError(
                f"[push.hubspot] field: {self.object_name} have no property {self.field!r}. Use "
                "its internal name."
            )
        found = self._json(answer)
        if (found.get("modificationMetadata") or {}).get("readOnlyValue") or found.get(
            "calculated"
        ):
            raise SettingsError(f"[push.hubspot] field: {self.field} is read-only in HubSpot.")
        options = [str(one.get("value")) for one in found.get("options") or []]
        lacking = sorted(value for value in values if value and value not in options)
        if found.get("type") == "enumeration" and lacking:
            raise SettingsError(
                f"[push.hubspot] field: {self.field} has no option {', '.join(lacking)}; there are "
                f"{', '.join(options)}. Add it, or map tiers with [push.hubspot.values]."
            )

    def read(self, ids: Sequence[str]) -> dict[str, str]:
        """Return what the property holds by id; unknown ids are left out."""
        inputs = [{"id": one} for one in ids]
        found = self._batch("read", {"inputs": inputs, "properties": [self.field]})
        return {
            str(one["id"]): str((one.get("properties") or {}).get(self.field) or "")
            for one in found.get("results") or []
        }

    def update(self, values: Mapping[str, str]) -> dict[str, str]:
        """Write values by id; return the reasons of those that failed."""
        inputs = [{"id": one, "properties": {self.field: value}} for one, value in values.items()]
        found = self._batch("update", {"inputs": inputs})
        written = {str(one["id"]) for one in found.get("results") or []}
        reasons = self._reasons(found.get("errors") or [])
        general = reasons.get("", _NO_ANSWER)
        return {one: reasons.get(one, general) for one in values if one not in written}

    def _reasons(self, errors: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Return reasons by record id; by an empty text those that name no record."""
        reasons: dict[str, str] = {}
        for error in errors:
            said = self._without_token(str(error.get("message") or error.get("category") or ""))
            ids = (error.get("context") or {}).get("ids") or [error.get("id") or ""]
            reasons |= {str(one): said for one in ids}
        return reasons

    def _batch(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        place = f"/crm/v3/objects/{self.object_name}/batch/{action}"
        return self._json(self._send("POST", place, body))

    def _send(self, method: str, place: str, body: dict[str, Any] | None = None) -> Response:
        return self._session.request(
            method, self._url + place, json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )

    def _json(self, answer: Response) -> dict[str, Any]:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if answer.status_code not in _OK:
            said = str(found.get("message") or "") if isinstance(found, dict) else ""
            raise failed_request(
                "hubspot",
                answer.status_code,
                self._without_token(said),
                token="TIERKIT_HUBSPOT_TOKEN",
            )
        if not isinstance(found, dict):
            raise CrmError(f"hubspot: {self.host} answered with something else than JSON.")
        return found

    def _without_token(self, said: str) -> str:
        return said.replace(self._token, "…")
