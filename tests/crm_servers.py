"""Local servers that speak the endpoints of HubSpot and Salesforce, as far as tierkit asks them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "secret-token-8f2e9c51"
Answer = tuple[int, dict[str, str], Any]


@dataclass
class CrmServer:
    """What a server holds and is told to do.

    Attributes
    ----------
    records
        The tier field by record id, None for nothing.
    faults
        Answers that the next requests get instead; None lets one pass.
    refused
        Reasons why records cannot be updated, by id.
    updates
        Every batch that was written, as ids.
    before_update
        Is called with the ids of a batch before it is written.
    """

    records: dict[str, str | None]
    column: str = "account_tier"
    options: tuple[str, ...] = ()
    read_only: bool = False
    faults: list[Answer | None] = field(default_factory=list)
    update_faults: list[Answer | None] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    updates: list[list[str]] = field(default_factory=list)
    before_update: Callable[[list[str]], None] = lambda _ids: None
    after_update: Callable[[list[str]], None] = lambda _ids: None
    after_read: Callable[[], None] = lambda: None
    requests: list[str] = field(default_factory=list)
    url: str = ""
    in_bulk: list[dict[str, Any]] = field(default_factory=list)

    @property
    def times_written(self) -> dict[str, int]:
        every = [one for batch in self.updates for one in batch]
        return {one: every.count(one) for one in every}

    def write(self, values: dict[str, str | None]) -> None:
        """Write what is not refused, and note the batch."""
        ids = [*values]
        self.before_update(ids)
        self.updates.append([one for one in ids if one not in self.refused])
        for one, value in values.items():
            if one not in self.refused and one in self.records:
                self.records[one] = value or None
        self.after_update(ids)


def hubspot_answer(crm: CrmServer, method: str, path: str, body: Any) -> Answer:
    if method == "GET" and path == f"/crm/v3/properties/companies/{crm.column}":
        kind = "enumeration" if crm.options else "string"
        options = [{"value": one, "label": one.title()} for one in crm.options]
        modification = {"readOnlyValue": crm.read_only}
        return 200, {}, {"name": crm.column, "type": kind, "options": options,
                         "modificationMetadata": modification}  # fmt: skip
    if path == "/crm/v3/objects/companies/batch/read":
        assert len(body["inputs"]) <= 100
        ids = [one["id"] for one in body["inputs"]]
        found = [{"id": one, "properties": {crm.column: crm.records[one]}}
                 for one in ids if one in crm.records]  # fmt: skip
        crm.after_read()
        return (200 if len(found) == len(ids) else 207), {}, {"results": found}
    if path == "/crm/v3/objects/companies/batch/update":
        return _hubspot_update(crm, body)
    return 404, {}, {"status": "error", "message": "not found", "category": "OBJECT_NOT_FOUND"}


def _hubspot_update(crm: CrmServer, body: Any) -> Answer:
    assert len(body["inputs"]) <= 100
    values = {one["id"]: one["properties"][crm.column] for one in body["inputs"]}
    assert all([*one["properties"]] == [crm.column] for one in body["inputs"])
    invalid = [one for one in values if crm.refused.get(one) == "invalid"]
    if invalid:  # HubSpot refuses the whole batch for one value
        return 400, {}, {"status": "error", "message": f"{invalid[0]} is invalid"}
    crm.write(values)
    failed = [one for one in values if one in crm.refused]
    errors = [{"status": "error", "category": "VALIDATION_ERROR", "message": crm.refused[one],
               "context": {"ids": [one]}} for one in failed]  # fmt: skip
    results = [{"id": one, "properties": {}} for one in values if one not in failed]
    return (207 if failed else 200), {}, {"results": results, "errors": errors}


def _bulk_answer(crm: CrmServer, method: str, place: str, body: Any) -> Answer:
    """Answer for jobs of Salesforce's bulk API, whose batches are done as they arrive."""
    if place == "job" and body["operation"] == "update":
        assert (body["object"], body["contentType"]) == ("Account", "JSON")
        return 201, {}, {"id": "750job", "state": "Open"}
    if method == "POST" and place == "job/750job/batch":
        assert len(body) <= 10_000
        assert all(set(one) == {"Id", crm.column} for one in body)
        values = {one["Id"]: one[crm.column] for one in body}
        crm.write(values)
        crm.in_bulk = [_save_result(crm, one) for one in values]
        return 201, {}, {"id": "751batch", "jobId": "750job", "state": "Queued"}
    if method == "POST" and place == "job/750job":
        return 200, {}, {"id": "750job", "state": body["state"]}
    if place == "job/750job/batch/751batch":
        return 200, {}, {"id": "751batch", "jobId": "750job", "state": "Completed"}
    if place == "job/750job/batch/751batch/result":
        return 200, {}, crm.in_bulk
    return 404, {}, {"exceptionCode": "InvalidUrl", "exceptionMessage": "no such resource"}


def salesforce_answer(crm: CrmServer, method: str, path: str, body: Any) -> Answer:
    if bulk := re.match(r"/services/async/[\d.]+/(.*)", path):
        return _bulk_answer(crm, method, bulk[1], body)
    place = re.sub(r"^/services/data/v[\d.]+/", "", path)
    if method == "GET" and place == "sobjects/Account/describe":
        picklist = [{"value": one, "active": True} for one in crm.options]
        fields = [{"name": "Id", "updateable": False},
                  {"name": crm.column, "updateable": not crm.read_only, "picklistValues": picklist,
                   "restrictedPicklist": bool(picklist)}]  # fmt: skip
        return 200, {}, {"name": "Account", "fields": fields}
    if method == "POST" and place == "composite/sobjects/Account":
        held = {one[:15]: one for one in crm.records}
        found = [held.get(one[:15]) for one in body["ids"]]
        answers = [one and {"attributes": {"type": "Account"}, "Id": one,
                            crm.column: crm.records[one]} for one in found]  # fmt: skip
        crm.after_read()
        return 200, {}, answers
    if method == "PATCH" and place == "composite/sobjects":
        assert body["allOrNone"] is False
        assert len(body["records"]) <= 200
        values = {one["id"]: one[crm.column] for one in body["records"]}
        assert all(set(one) == {"attributes", "id", crm.column} for one in body["records"])
        crm.write(values)
        return 200, {}, [_save_result(crm, one) for one in values]
    return 404, {}, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


def _save_result(crm: CrmServer, record: str) -> dict[str, Any]:
    if record not in crm.refused:
        return {"id": record, "success": True, "errors": []}
    error = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": crm.refused[record],
             "fields": [crm.column]}  # fmt: skip
    return {"success": False, "errors": [error]}


EXPIRED = {
    "hubspot": (401, {}, {"message": f"The OAuth token {TOKEN} expired", "status": "error"}),
    "salesforce": (401, {}, [{"errorCode": "INVALID_SESSION_ID",
                              "message": f"Session expired or invalid: {TOKEN}"}]),
}  # fmt: skip
_SPEAKS = {"hubspot": hubspot_answer, "salesforce": salesforce_answer}


@contextmanager
def serving(kind: str, crm: CrmServer) -> Iterator[CrmServer]:
    """Serve a CRM on a port of this computer while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            crm.requests.append(f"{self.command} {self.path}")
            code, headers, content = self._content(body)
            packed = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(packed))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(packed)

        def _content(self, body: Any) -> Answer:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return EXPIRED[kind]
            is_update = self.path.endswith(("/update", "/batch")) or self.command == "PATCH"
            planned = [crm.faults, *([crm.update_faults] if is_update else [])]
            fault = next((fault for one in planned if one and (fault := one.pop(0))), None)
            return fault or _SPEAKS[kind](crm, self.command, self.path, body)

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, *_given: object) -> None:
            """Keep standard error clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    crm.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield crm
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
