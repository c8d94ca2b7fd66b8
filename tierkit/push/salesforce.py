"""Salesforce: one field of accounts, through simple-salesforce; many of them by the bulk API."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tierkit.errors import CrmError, SettingsError
from tierkit.push.records import failed_request
from tierkit.settings import PushTarget

if TYPE_CHECKING:
    from requests import Session

TIMEOUT_SECONDS = 60
BULK_FROM = 2_000
"""Records from which on a push is written by jobs of the bulk API, so many at a time."""

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_LIMIT = "REQUEST_LIMIT_EXCEEDED"
_NO_ANSWER = "Salesforce did not say what became of it"
_CASE_SENSITIVE = 15


class SalesforceRecords:
    """One field of one kind of object in Salesforce, by record id."""

    crm = "salesforce"
    batch_size = 200

    def __init__(self, session: Session, url: str, target: PushTarget, *, token: str) -> None:
        from simple_salesforce.api import Salesforce

        self.object_name, self.field = target.object, target.field
        self.host = urlsplit(url).netloc
        self._token = token
        self._client = Salesforce(session_id=token, instance_url=url, session=session)
        version = self._client.sf_version
        self._client.base_url = f"{url}/services/data/v{version}/"
        self._client.bulk_url = f"{url}/services/async/{version}/"

    def write_size(self, records: int) -> int:
        """Return how many records are written at a time: a collection, or a job's for many."""
        return BULK_FROM if records >= BULK_FROM else self.batch_size

    def id_problem(self, record_id: str) -> str:
        """Return why a text cannot be a record id: 15 or 18 letters and digits."""
        if _ID.fullmatch(record_id):
            return ""
        return "is no record id of Salesforce (15 or 18 letters and digits)"

    def same_record(self, record_id: str) -> str:
        """Return the first 15 signs, which name the record; three more only check them."""
        return record_id[:_CASE_SENSITIVE]

    def check_field(self, values: Collection[str]) -> None:
        """Raise where the field is missing, cannot be written, or its picklist lacks a value."""
        found = self._ask("GET", f"sobjects/{self.object_name}/describe")
        fields = {str(one["name"]): one for one in found.get("fields") or []}
        if self.field not in fields:
            near = get_close_matches(self.field, fields, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise SettingsError(
                f"[push.salesforce] field: {self.object_name} has no field {self.field!r} that the "
                f"token's user can see.{hint}"
            )
        field = fields[self.field]
        if not field.get("updateable", True):
            raise SettingsError(
                f"[push.salesforce] field: the token's user may not write {self.field}."
            )
        options = [str(one["value"]) for one in field.get("picklistValues") or []
                   if one.get("active", True)]  # fmt: skip
        lacking = sorted(value for value in values if value and value not in options)
        if field.get("restrictedPicklist") and lacking:
            raise SettingsError(
                f"[push.salesforce] field: {self.field} has no value {', '.join(lacking)}; there "
                f"are {', '.join(options)}. Add it, or map tiers with [push.salesforce.values]."
            )

    def read(self, ids: Sequence[str]) -> dict[str, str]:
        """Return what the field holds by id; unknown ids are left out."""
        place = f"composite/sobjects/{self.object_name}"
        found = self._ask("POST", place, {"ids": [*ids], "fields": ["Id", self.field]})
        given = {self.same_record(one): one for one in ids}
        return {
            given[self.same_record(str(one["Id"]))]: str(one.get(self.field) or "")
            for one in found or []
            if one and self.same_record(str(one.get("Id") or "")) in given
        }

    def update(self, values: Mapping[str, str]) -> dict[str, str]:
        """Write values by id; return the reasons of those that failed."""
        if len(values) > self.batch_size:
            return self._failures(values, self._written_in_bulk(values))
        kind = {"type": self.object_name}
        records = [
            {"attributes": kind, "id": one, self.field: value or None}
            for one, value in values.items()
        ]
        found = self._ask("PATCH", "composite/sobjects", {"allOrNone": False, "records": records})
        return self._failures(values, found)

    def _written_in_bulk(self, values: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        """Write by one job and wait until it has ended; return an answer for each record."""
        records = [{"Id": one, self.field: value or None} for one, value in values.items()]
        bulk: Any = self._client.bulk
        with self._errors_as_sentences():
            found: Sequence[Mapping[str, Any]] = bulk.submit_dml(
                self.object_name, "update", records, batch_size=len(records)
            )
        return found

    def _failures(
        self, values: Mapping[str, str], found: Sequence[Mapping[str, Any]] | None
    ) -> dict[str, str]:
        answers: list[Mapping[str, Any]] = [*(found or [])]
        answers += [{}] * (len(values) - len(answers))
        return {
            one: self._reason(answer)
            for one, answer in zip(values, answers, strict=False)
            if not answer.get("success")
        }

    def _reason(self, answer: Mapping[str, Any]) -> str:
        said = "; ".join(f"{one.get('statusCode')}: {one.get('message')}"
                         for one in answer.get("errors") or [] if one.get("message"))  # fmt: skip
        return self._without_token(said) or _NO_ANSWER

    def _ask(self, method: str, place: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 (JSON)
        with self._errors_as_sentences():
            return self._client.restful(
                place, method=method, json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )

    @contextmanager
    def _errors_as_sentences(self) -> Iterator[None]:
        from requests.exceptions import JSONDecodeError
        from simple_salesforce.exceptions import SalesforceError

        try:
            yield
        except SalesforceError as error:
            raise self._failure(error.status, error.content) from None
        except JSONDecodeError:
            raise CrmError(
                f"salesforce: {self.host} answered with something else than JSON."
            ) from None

    def _failure(self, status: int, content: object) -> Exception:
        first = content[0] if isinstance(content, list) and content else {}
        code = str(first.get("errorCode") or "") if isinstance(first, dict) else ""
        said = str(first.get("message") or "") if isinstance(first, dict) else ""
        if code == _LIMIT:
            return CrmError(
                "salesforce: the organisation's limit of requests is used up. Try again when it is "
                "free; the same command goes on where it stopped."
            )
        reason = self._without_token(": ".join(part for part in (code, said) if part))
        return failed_request("salesforce", status, reason, token="TIERKIT_SALESFORCE_TOKEN")

    def _without_token(self, said: str) -> str:
        return said.replace(self._token, "…")
