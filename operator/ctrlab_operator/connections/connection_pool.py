"""Pool of open connections: the store and the study of each experiment.

A Secret is read by name when it is needed, and again after some minutes or any failure, so that rotation needs no
restart. Secrets are never listed or watched.
"""

import hashlib
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ctrlab_api.canonical_json import digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ConditionType
from ctrlab_api.outage_waiting import OutagePatience
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.runtime import Storage
from ctrlab_control.observing import Observer
from ctrlab_operator.blocked import Blocked
from ctrlab_operator.connections.cluster_storage import ClusterStorage, resolve_storage
from ctrlab_operator.connections.recent_outages import RecentOutages
from ctrlab_operator.connections.secret_credentials import certificate_authority, database_url, store_environment
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import SECRET
from ctrlab_store import Store, open_store
from ctrlab_store.atomic_files import write_atomically
from ctrlab_study import StudyDatabase, StudyUnavailable

SECRET_TTL_SECONDS = 300.0
DATABASE_PATIENCE = OutagePatience(seconds=5.0)
"""Time for which a query is retried before the experiment is returned to the queue."""


@dataclass(frozen=True)
class ExperimentConnections:
    """Open connections of one experiment."""

    key: ExperimentKey
    storage: ClusterStorage
    store: Store
    """Root of the artifact store."""
    database: StudyDatabase
    observer: Observer
    has_ca_certificate: bool
    fingerprint: str
    """Digest of every Secret value and setting that the connections were opened with."""
    store_service: str = ""
    """Digest of the address and the credentials of the store; outages are remembered for it."""
    database_url: str = field(default="", repr=False)


class ConnectionPool:
    """Connections of all experiments; safe for threads that work on different experiments."""

    def __init__(self, api: KubernetesApi, defaults: Storage, clock: Callable[[], float] = time.monotonic) -> None:
        """`defaults` completes the `spec.storage` of experiments."""
        self._api = api
        self._defaults = defaults
        self._clock = clock
        self._secrets: dict[tuple[str, str], tuple[float, Manifest]] = {}
        self._databases: dict[str, StudyDatabase] = {}
        self._open: dict[ExperimentKey, ExperimentConnections] = {}
        self._outages = RecentOutages(clock)
        self._lock = threading.Lock()

    def connect(self, experiment: Experiment) -> ExperimentConnections:
        """Return the connections of an experiment; Blocked if a Secret is missing, unreadable or invalid.

        Raises StoreError or StudyUnavailable if the store, or a database that the experiment needs now, failed a moment
        ago for any experiment.
        """
        metadata = experiment.metadata
        key = ExperimentKey.from_metadata(metadata)
        storage = resolve_storage(experiment, self._defaults)
        try:
            secret = self._secret(metadata.namespace, storage.storage_secret)
            environment = store_environment(secret, storage)
            certificate = certificate_authority(secret)
            url = database_url(self._secret(metadata.namespace, storage.database_secret))
        except Blocked:  # a corrected Secret must be read at the next attempt
            self._forget_secrets(metadata.namespace, storage)
            raise
        if certificate is not None:
            environment["AWS_CA_BUNDLE"] = self._certificate_file(certificate)
        store_service = digest({"store": storage.uri, "environment": environment})
        fingerprint = digest({"store": store_service, "database": url})
        existing = self._open.get(key)
        if existing is None or existing.fingerprint != fingerprint:
            existing = self._connect(key, storage, store_service, environment, url, fingerprint)
        self._outages.raise_recent(store_service, key.prefix)
        if experiment.status is None or not experiment.status.is_true(ConditionType.TUNING_COMPLETE):
            self._outages.raise_recent(url, key.prefix)
        return existing

    def _connect(
        self,
        key: ExperimentKey,
        storage: ClusterStorage,
        store_service: str,
        environment: dict[str, str],
        url: str,
        fingerprint: str,
    ) -> ExperimentConnections:
        store = open_store(storage.uri, environment)
        database = self._database(url)
        connections = ExperimentConnections(
            key=key,
            storage=storage,
            store=store,
            database=database,
            observer=Observer(store, database, key),
            has_ca_certificate="AWS_CA_BUNDLE" in environment,
            fingerprint=fingerprint,
            store_service=store_service,
            database_url=url,
        )
        with self._lock:
            self._open[key] = connections
        return connections

    def record_outage(self, namespace: str, name: str, error: Exception) -> None:
        """Remember that the store or the database of an experiment failed, and drop its connections."""
        with self._lock:
            keys = [key for key in self._open if (key.namespace, key.name) == (namespace, name)]
        for key in keys:
            connections = self._open[key]
            is_database = isinstance(error, StudyUnavailable)
            service = connections.database_url if is_database else connections.store_service
            self._outages.add(service, error, key.prefix)
        self.discard(namespace, name)

    def discard(self, namespace: str, name: str) -> None:
        """Drop the connections of an experiment that ended or failed; its Secrets are read again next time."""
        with self._lock:
            for key in [key for key in self._open if (key.namespace, key.name) == (namespace, name)]:
                connections = self._open.pop(key)
                for secret in (connections.storage.storage_secret, connections.storage.database_secret):
                    self._secrets.pop((namespace, secret), None)

    def _forget_secrets(self, namespace: str, storage: ClusterStorage) -> None:
        with self._lock:
            for secret in (storage.storage_secret, storage.database_secret):
                self._secrets.pop((namespace, secret), None)

    def _secret(self, namespace: str, name: str) -> Manifest:
        now = self._clock()
        cached = self._secrets.get((namespace, name))
        if cached is not None and now - cached[0] < SECRET_TTL_SECONDS:
            return cached[1]
        try:
            secret = self._api.get(SECRET, namespace, name)
        except ApiError as error:
            if error.is_not_found:
                raise Blocked(
                    "SecretMissing", f"there is no Secret {name} in namespace {namespace}; create it"
                ) from None
            if error.status == 403:
                raise Blocked(
                    "SecretForbidden",
                    f"the operator may not read Secret {name} in namespace {namespace}; use a name that it was "
                    "installed with, or ask an administrator to add this one to the chart's values",
                ) from None
            raise
        with self._lock:
            self._secrets[namespace, name] = (now, secret)
        return secret

    def _database(self, url: str) -> StudyDatabase:
        """Return the one database of each URL; it is not connected, because some phases need none.

        Its first use creates the tables if the migration was not run on it.
        """
        with self._lock:
            database = self._databases.get(url)
        if database is None:
            database = StudyDatabase(url, patience=DATABASE_PATIENCE, creates_schema=True)
            with self._lock:
                self._databases[url] = database
        return database

    @cached_property
    def _certificate_folder(self) -> Path:
        """Temporary folder that is removed with this object, at the latest with the process."""
        folder = Path(tempfile.mkdtemp(prefix="ctrlab-ca-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _certificate_file(self, pem: str) -> str:
        """Write the certificate to a file, the only form that the S3 client accepts."""
        path = self._certificate_folder / f"{hashlib.sha256(pem.encode()).hexdigest()[:16]}.crt"
        if not path.exists():
            write_atomically(path, pem.encode())
        return str(path)
