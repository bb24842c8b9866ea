"""Store and study of each experiment, opened with the Secrets of its own namespace and kept open.

A Secret is read by name when it is needed and again after some minutes or any failure, so that rotation needs no
restart; it is never listed or watched.
"""

import hashlib
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.observing import Observer
from ctrlab_operator.connections.cluster_storage import ClusterStorage, storage_of
from ctrlab_operator.connections.secret_credentials import (
    certificate_authority,
    database_url,
    store_environment,
)
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError, Blocked
from ctrlab_operator.kubernetes_api.object_kinds import SECRET
from ctrlab_operator.operator_settings import Settings
from ctrlab_store import Store, open_store
from ctrlab_store.atomic_files import write_atomically
from ctrlab_study import StudyDatabase

SECRET_SECONDS = 300.0
DATABASE_RETRY_SECONDS = 5.0
"""Seconds for which a query is tried again before the experiment is put back into the queue."""


@dataclass(frozen=True)
class ExperimentConnections:
    """What one experiment is looked at through."""

    key: ExperimentKey
    storage: ClusterStorage
    store: Store
    """The root."""
    database: StudyDatabase
    observer: Observer
    has_ca: bool
    identity: str
    """Changes when any Secret or setting that it was opened with changes."""


class ConnectionPool:
    """All of them; safe for threads, which work on different experiments."""

    def __init__(self, api: KubernetesApi, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._settings = settings
        self._clock = clock
        self._secrets: dict[tuple[str, str], tuple[float, Manifest]] = {}
        self._databases: dict[str, StudyDatabase] = {}
        self._open: dict[ExperimentKey, ExperimentConnections] = {}
        self._lock = threading.Lock()

    def of(self, experiment: Experiment) -> ExperimentConnections:
        """Raises Blocked where a Secret is missing, may not be read or is wrong."""
        meta = experiment.metadata
        key = ExperimentKey.from_metadata(meta)
        storage = storage_of(experiment, self._settings.storage)
        secret = self._secret(meta.namespace, storage.secret)
        environment = store_environment(secret, storage)
        authority = certificate_authority(secret)
        if authority is not None:
            environment["AWS_CA_BUNDLE"] = self._certificate(authority)
        url = database_url(self._secret(meta.namespace, storage.database_secret))
        identity = digest({"store": storage.uri, "environment": environment, "database": url})
        known = self._open.get(key)
        if known is not None and known.identity == identity:
            return known
        store = open_store(storage.uri, environment)
        database = self._database(url)
        backend = ExperimentConnections(
            key=key,
            storage=storage,
            store=store,
            database=database,
            observer=Observer(store, database, key),
            has_ca=authority is not None,
            identity=identity,
        )
        with self._lock:
            self._open[key] = backend
        return backend

    def forget(self, namespace: str, name: str) -> None:
        """The experiment has ended, or its connections have failed: read the Secrets again next time."""
        with self._lock:
            for key in [key for key in self._open if (key.namespace, key.name) == (namespace, name)]:
                backend = self._open.pop(key)
                for secret in (backend.storage.secret, backend.storage.database_secret):
                    self._secrets.pop((namespace, secret), None)

    def _secret(self, namespace: str, name: str) -> Manifest:
        now = self._clock()
        known = self._secrets.get((namespace, name))
        if known is not None and now - known[0] < SECRET_SECONDS:
            return known[1]
        try:
            found = self._api.get(SECRET, namespace, name)
        except ApiError as error:
            if error.is_absent:
                raise Blocked(
                    "SecretMissing", f"there is no Secret {name} in namespace {namespace}; create it"
                ) from None
            if error.status == 403:
                raise Blocked(
                    "SecretForbidden",
                    f"the operator may not read Secret {name} in namespace {namespace}; use a name that it was "
                    "installed with, or let an administrator add this one to the chart's values",
                ) from None
            raise
        with self._lock:
            self._secrets[namespace, name] = (now, found)
        return found

    def _database(self, url: str) -> StudyDatabase:
        """One for each URL; its tables are made if the migration has not been run on it."""
        with self._lock:
            known = self._databases.get(url)
        if known is None:
            known = StudyDatabase(url, retry_seconds=DATABASE_RETRY_SECONDS)
            known.create_schema()
            with self._lock:
                self._databases[url] = known
        return known

    @cached_property
    def _certificates(self) -> Path:
        """A folder that goes with this object, at the latest with the process."""
        folder = Path(tempfile.mkdtemp(prefix="ctrlab-ca-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _certificate(self, pem: str) -> str:
        """As a file, because the S3 client takes nothing else."""
        path = self._certificates / f"{hashlib.sha256(pem.encode()).hexdigest()[:16]}.crt"
        if not path.exists():
            write_atomically(path, pem.encode())
        return str(path)
