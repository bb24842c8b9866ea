"""Credentials from users' Secrets: the operator connects with them, so they must not reach anything of the operator."""

import base64
from typing import Any

import pytest

from ctrlab_api.resources.runtime import Storage
from ctrlab_operator.blocked import Blocked
from ctrlab_operator.connections.cluster_storage import ClusterStorage, resolve_storage
from ctrlab_operator.connections.secret_credentials import (
    certificate_authority,
    database_url,
    store_environment,
)


def secret(**values: str) -> dict[str, Any]:
    data = {name.replace("__", "."): base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return {"metadata": {"name": "mine"}, "data": data}


def test_a_store_is_opened_with_the_secret_only(storage: ClusterStorage) -> None:
    environment = store_environment(
        secret(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_PROFILE="operator"), storage
    )
    assert environment == {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_ENDPOINT_URL": "https://s3.example",
        "AWS_MAX_ATTEMPTS": "2",
        "AWS_REGION": "eu-1",
    }


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_missing_or_empty_keys_never_fall_back_to_the_operators_own(missing: str, storage: ClusterStorage) -> None:
    values = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", missing: ""}
    with pytest.raises(Blocked, match=f"Secret mine lacks the key {missing}; add it"):
        store_environment(secret(**values), storage)


def test_a_secret_may_contain_a_certificate_authority() -> None:
    assert certificate_authority(secret(ca__crt="PEM")) == "PEM"
    assert certificate_authority(secret(AWS_ACCESS_KEY_ID="a")) is None


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@db/x", "postgresql+psycopg://u:p@db:5432/x?sslmode=require&connect_timeout=5"]
)
def test_a_postgresql_url_is_used_unchanged(url: str) -> None:
    assert database_url(secret(url=f"{url}\n")) == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////var/lib/operator.db", "must be a PostgreSQL URL, not sqlite"),
        ("mysql://u:hidden@db/x", "must be a PostgreSQL URL, not mysql"),
        ("postgresql:///x?host=/var/run", "must name a host"),
        ("postgresql://u:hidden@db/x?sslkey=/var/run/secrets/token", "has the option sslkey"),
        ("postgresql://u:hidden@db/x?service=other", "has the option service"),
        ("hidden", "is not a database URL"),
    ],
)
def test_a_url_that_could_reach_into_the_operator_is_rejected_and_not_repeated(url: str, message: str) -> None:
    with pytest.raises(Blocked, match=message) as caught:
        database_url(secret(url=url))
    assert caught.value.reason == "SecretInvalid"
    assert "hidden" not in str(caught.value)


def test_storage_uses_the_operators_defaults_except_those_of_another_bucket(make: Any) -> None:
    defaults = Storage.model_validate_json(
        """{"artifacts": "s3://ours/x", "endpoint": "http://ours:9000", "region": "r", "secretRef": {"name": "a"},
            "databaseSecretRef": {"name": "b"}}"""
    )
    assert resolve_storage(make(), defaults).endpoint == "http://ours:9000"
    other = resolve_storage(make(storage={"artifacts": "s3://theirs"}), defaults)
    assert (other.uri, other.endpoint, other.region, other.storage_secret) == (
        "s3://theirs",
        None,
        None,
        "a",
    )


def test_missing_storage_is_reported(make: Any) -> None:
    with pytest.raises(Blocked, match=r"spec\.storage\.secretRef, spec\.storage\.databaseSecretRef must be set"):
        resolve_storage(make(storage={"artifacts": "s3://bucket"}), Storage())


def test_a_folder_is_rejected_as_a_store(make: Any, settings: Any) -> None:
    with pytest.raises(Blocked, match="a cluster needs s3://bucket/prefix, not file:///etc"):
        resolve_storage(make(storage={"artifacts": "file:///etc"}), settings.storage_defaults)
