"""Connections to a CRM: secrets from the environment or a keyring, waiting, limits of waiting."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tierkit.errors import CrmError, SettingsError
from tierkit.push.records import CrmRecords
from tierkit.settings import HubSpotPush, PushTarget

if TYPE_CHECKING:
    from requests import PreparedRequest, Session

KEYRING_SERVICE = "tierkit"
TOKENS = {"salesforce": "TIERKIT_SALESFORCE_TOKEN", "hubspot": "TIERKIT_HUBSPOT_TOKEN"}
URLS = {"salesforce": "TIERKIT_SALESFORCE_URL", "hubspot": "TIERKIT_HUBSPOT_URL"}
HUBSPOT_URL = "https://api.hubapi.com"
BACK_OFF_SECONDS = 1.0
"""The pauses between tries grow from it: 0, 2, 4, 8, 16 seconds."""
_MOST_TRIES = 5
_LONGEST_PAUSE = 120
_TRY_AGAIN = (429, 500, 502, 503, 504)
_HERE = ("127.0.0.1", "::1", "localhost")


@contextmanager
def connect(crm: str, target: PushTarget) -> Iterator[CrmRecords]:
    """Open a CRM for the block.

    Requests that meet 429, a server's fault or a lost connection are repeated five times at most,
    after what `Retry-After` says (120 seconds at most) or pauses that double. A value that is
    written twice is the same value.

    Raises
    ------
    SettingsError
        If the field, the access token or the address is not set, or the extra is not installed.
    CrmError
        If the CRM cannot be reached.
    """
    if not target.field:
        raise SettingsError(
            f"[push.{crm}] field: not set. Name the field that holds the tier; nothing else is "
            "ever written."
        )
    try:
        import requests
        import simple_salesforce  # noqa: F401 (both come with the extra)
        from urllib3.exceptions import HTTPError
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"tierkit push needs {error.name}: run pip install 'tierkit[crm]'."
        ) from error
    token, url = secret(TOKENS[crm]), _address(crm)
    with _session(token) as session:
        try:
            yield _records(target, session, token, url)
        except (requests.RequestException, HTTPError) as error:
            raise CrmError(
                f"{crm}: {urlsplit(url).netloc} cannot be reached "
                f"({type(error).__name__}). The same command goes on where it stopped."
            ) from None  # the chain could hold headers


def secret(name: str) -> str:
    """Return a secret from the environment, else from the keyring's service `tierkit`.

    Raises
    ------
    SettingsError
        If it is in neither.
    """
    found = os.environ.get(name, "").strip() or _in_keyring(name)
    if not found:
        raise SettingsError(
            f"{name}: not set. Put the access token into that environment variable, or run "
            f"`keyring set {KEYRING_SERVICE} {name}`. It is never read from a file."
        )
    if not (found.isascii() and found.isprintable()) or " " in found:
        raise SettingsError(f"{name}: is no access token; it holds blanks or special signs.")
    return found


def _in_keyring(name: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        return ""
    try:
        return (keyring.get_password(KEYRING_SERVICE, name) or "").strip()
    except KeyringError:
        return ""


def _address(crm: str) -> str:
    """Return where the CRM answers; never from a setting, or a project could divert the token."""
    url = os.environ.get(URLS[crm], "").strip() or (HUBSPOT_URL if crm == "hubspot" else "")
    if not url:
        raise SettingsError(
            f"{URLS[crm]}: not set. Put the address of your organisation into that environment "
            "variable, such as https://acme.my.salesforce.com."
        )
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)
    if not is_safe or not parts.hostname or parts.username or parts.path.strip("/"):
        raise SettingsError(
            f"{URLS[crm]}: must be https:// and the name of a computer, and nothing else."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _session(token: str) -> Session:
    """Return a session that sends the token and repeats what may be repeated."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    def with_token(request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    session = requests.Session()
    session.auth = with_token  # or a .netrc would win over the header
    waiting = Retry(
        total=_MOST_TRIES,
        status_forcelist=_TRY_AGAIN,
        allowed_methods=None,  # all: the same value written twice is the same value
        backoff_factor=BACK_OFF_SECONDS,
        raise_on_status=False,
        retry_after_max=_LONGEST_PAUSE,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=waiting))
    return session


def _records(target: PushTarget, session: Session, token: str, url: str) -> CrmRecords:
    if isinstance(target, HubSpotPush):
        from tierkit.push.hubspot import HubSpotRecords

        return HubSpotRecords(session, url, target, token=token)
    from tierkit.push.salesforce import SalesforceRecords

    return SalesforceRecords(session, url, target, token=token)
