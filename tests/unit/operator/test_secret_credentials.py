"""Users write Secrets, and the operator opens connections with them: nothing of the operator's own may be reached."""

import base64
from typing import Any

import pytest

from ctrlab_api.resources.runtime import Storage
from ctrlab_operator.connections.cluster_storage import ClusterStorage, storage_of
from ctrlab_operator.connections.secret_credentials import (
    certificate_authority,
    database_url,
    store_environment,
)
from ctrlab_operator.kubernetes_api.api_errors import Blocked


def secret(**values: str) -> dict[str, Any]:
    data = {name.replace("__", "."): base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return {"metadata": {"name": "mine"}, "data": data}


def test_a_store_is_opened_with_the_secret_alone(storage: ClusterStorage) -> None:
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
def test_keys_that_are_missing_or_empty_never_fall_back_to_the_operators_own(
    missing: str, storage: ClusterStorage
) -> None:
    given = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", missing: ""}
    with pytest.raises(Blocked, match=f"Secret mine lacks the key {missing}; add it"):
        store_environment(secret(**given), storage)


def test_a_certificate_authority_may_come_with_the_keys() -> None:
    assert certificate_authority(secret(ca__crt="PEM")) == "PEM"
    assert certificate_authority(secret(AWS_ACCESS_KEY_ID="a")) is None


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@db/x", "postgresql+psycopg://u:p@db:5432/x?sslmode=require&connect_timeout=5"]
)
def test_a_postgresql_url_is_taken_as_it_is(url: str) -> None:
    assert database_url(secret(url=f"{url}\n")) == url


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite:////var/lib/operator.db", "must be a PostgreSQL URL, not sqlite"),
        ("mysql://u:geheim@db/x", "must be a PostgreSQL URL, not mysql"),
        ("postgresql:///x?host=/var/run", "must name a host"),
        ("postgresql://u:geheim@db/x?sslkey=/var/run/secrets/token", "has the option sslkey"),
        ("postgresql://u:geheim@db/x?service=other", "has the option service"),
        ("geheim", "is not a database URL"),
    ],
)
def test_a_url_that_could_reach_into_the_operator_is_refused_and_not_repeated(url: str, complaint: str) -> None:
    with pytest.raises(Blocked, match=complaint) as caught:
        database_url(secret(url=url))
    assert caught.value.reason == "SecretInvalid"
    assert "geheim" not in str(caught.value)


def test_storage_falls_back_to_the_operators_defaults_but_for_what_belongs_to_another_bucket(make: Any) -> None:
    defaults = Storage.model_validate_json(
        """{"artifacts": "s3://ours/x", "endpoint": "http://ours:9000", "region": "r", "secretRef": {"name": "a"},
            "databaseSecretRef": {"name": "b"}}"""
    )
    assert storage_of(make(), defaults).endpoint == "http://ours:9000"
    own = storage_of(make(storage={"artifacts": "s3://theirs"}), defaults)
    assert (own.uri, own.endpoint, own.region, own.secret) == ("s3://theirs", None, None, "a")


def test_storage_that_nobody_names_is_asked_for(make: Any) -> None:
    with pytest.raises(Blocked, match=r"spec\.storage\.secretRef, spec\.storage\.databaseSecretRef must be given"):
        storage_of(make(storage={"artifacts": "s3://bucket"}), Storage())


def test_a_folder_is_no_store_for_a_cluster(make: Any, settings: Any) -> None:
    with pytest.raises(Blocked, match="a cluster needs s3://bucket/prefix, not file:///etc"):
        storage_of(make(storage={"artifacts": "file:///etc"}), settings.storage)
