"""Converting Secrets into credentials for the store and the database. Pure; no message contains a value.

Users write these Secrets and the operator uses them, so their content is checked: it must not refer to a file of the
operator or to another program.
"""

import base64
import binascii

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from ctrlab_operator.blocked import Blocked
from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.worker_volumes import CA_KEY

REQUIRED_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
OPTIONAL_KEYS = ("AWS_SESSION_TOKEN",)
STORE_ATTEMPTS = "2"
"""Attempts of one request to the store; the queue retries later, and a bucket that hangs must not block a thread."""
URL_KEY = "url"
DRIVERS = ("postgresql", "postgres", "postgresql+psycopg")
URL_OPTIONS = frozenset({"sslmode", "application_name", "connect_timeout", "target_session_attrs", "channel_binding"})
"""Options of a database URL that do not name a file."""


def store_environment(secret: Manifest, storage: ClusterStorage) -> dict[str, str]:
    """Return the variables with which `open_store` reads the store of this experiment."""
    data = _decode(secret)
    _require_keys(secret, data, REQUIRED_KEYS)
    environment = {name: data[name] for name in (*REQUIRED_KEYS, *OPTIONAL_KEYS) if name in data}
    environment["AWS_MAX_ATTEMPTS"] = STORE_ATTEMPTS
    if storage.endpoint:
        environment["AWS_ENDPOINT_URL"] = storage.endpoint
    if storage.region:
        environment["AWS_REGION"] = storage.region
    return environment


def certificate_authority(secret: Manifest) -> str | None:
    """Return the PEM certificate of the authority that signed the store's certificate, if the Secret has one."""
    return _decode(secret).get(CA_KEY)


def database_url(secret: Manifest) -> str:
    """Return the URL of the study database."""
    data = _decode(secret)
    _require_keys(secret, data, (URL_KEY,))
    try:
        url = make_url(data[URL_KEY].strip())
    except ArgumentError:
        raise _invalid_url(
            secret, "is not a database URL such as postgresql+psycopg://user:password@host/database"
        ) from None
    if url.drivername not in DRIVERS:
        raise _invalid_url(secret, f"must be a PostgreSQL URL, not {url.drivername}")
    if url.host is None or url.host.startswith("/"):
        raise _invalid_url(secret, "must name a host")
    unsupported = sorted(set(url.query) - URL_OPTIONS)
    if unsupported:
        raise _invalid_url(secret, f"has the option {unsupported[0]}; allowed are {', '.join(sorted(URL_OPTIONS))}")
    return data[URL_KEY].strip()


def _decode(secret: Manifest) -> dict[str, str]:
    try:
        return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
    except (binascii.Error, UnicodeDecodeError):
        raise Blocked(
            "SecretInvalid", f"Secret {secret['metadata']['name']} contains values that are not text"
        ) from None


def _require_keys(secret: Manifest, data: dict[str, str], keys: tuple[str, ...]) -> None:
    missing = [key for key in keys if not data.get(key)]
    if missing:
        raise Blocked(
            "SecretInvalid", f"Secret {secret['metadata']['name']} lacks the key {missing[0]}; add it to the Secret"
        )


def _invalid_url(secret: Manifest, problem: str) -> Blocked:
    return Blocked("SecretInvalid", f"Secret {secret['metadata']['name']}: the key {URL_KEY} {problem}; correct it")
