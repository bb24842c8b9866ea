"""From a Secret to what store and database need. Pure; nothing here prints a value.

Secrets come from users, and what they hold is used inside the operator: so it is checked that it can name no file of
the operator's and no other program.
"""

import base64
import binascii

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.api_errors import Blocked
from ctrlab_operator.manifests.worker_volumes import CA_KEY

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
OPTIONAL_KEYS = ("AWS_SESSION_TOKEN",)
ATTEMPTS = "2"
"""Of a request to the store: the queue tries again, and a bucket that hangs must not hold up the other experiments."""
URL_KEY = "url"
URL_OPTIONS = frozenset({"sslmode", "application_name", "connect_timeout", "target_session_attrs", "channel_binding"})
"""Options of a database URL that name no file."""


def store_environment(secret: Manifest, storage: ClusterStorage) -> dict[str, str]:
    """The variables that `open_store` reads, for this experiment alone."""
    data = _decoded(secret)
    _require(secret, data, KEYS)
    found = {name: data[name] for name in (*KEYS, *OPTIONAL_KEYS) if name in data}
    found["AWS_MAX_ATTEMPTS"] = ATTEMPTS
    if storage.endpoint:
        found["AWS_ENDPOINT_URL"] = storage.endpoint
    if storage.region:
        found["AWS_REGION"] = storage.region
    return found


def certificate_authority(secret: Manifest) -> str | None:
    """PEM of the authority that signed the store's certificate, if the Secret has one."""
    return _decoded(secret).get(CA_KEY)


def database_url(secret: Manifest) -> str:
    """The study database's URL."""
    data = _decoded(secret)
    _require(secret, data, (URL_KEY,))
    try:
        url = make_url(data[URL_KEY].strip())
    except ArgumentError:
        raise _wrong(secret, "is not a database URL such as postgresql+psycopg://user:password@host/database") from None
    if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise _wrong(secret, f"must be a PostgreSQL URL, not {url.drivername}")
    if url.host is None or url.host.startswith("/"):
        raise _wrong(secret, "must name a host")
    unknown = sorted(set(url.query) - URL_OPTIONS)
    if unknown:
        raise _wrong(secret, f"has the option {unknown[0]}; allowed are {', '.join(sorted(URL_OPTIONS))}")
    return data[URL_KEY].strip()


def _decoded(secret: Manifest) -> dict[str, str]:
    try:
        return {name: base64.b64decode(value).decode() for name, value in (secret.get("data") or {}).items()}
    except (binascii.Error, UnicodeDecodeError):
        raise Blocked("SecretInvalid", f"Secret {secret['metadata']['name']} holds values that are not text") from None


def _require(secret: Manifest, data: dict[str, str], keys: tuple[str, ...]) -> None:
    missing = [key for key in keys if not data.get(key)]
    if missing:
        raise Blocked(
            "SecretInvalid", f"Secret {secret['metadata']['name']} lacks the key {missing[0]}; add it to the Secret"
        )


def _wrong(secret: Manifest, what: str) -> Blocked:
    return Blocked("SecretInvalid", f"Secret {secret['metadata']['name']}: the key {URL_KEY} {what}; correct it")
