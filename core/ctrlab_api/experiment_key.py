"""The identity of an experiment or ablation: its folder in the store and its rows in the study database."""

from typing import Protocol

from ctrlab_api.canonical_json import short_digest
from ctrlab_api.schema_types import ApiModel


class _Metadata(Protocol):
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str | None: ...


class ExperimentKey(ApiModel):
    """Namespace, name and uid of one resource; as text `namespace/name/uid`."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return self.prefix

    @property
    def prefix(self) -> str:
        """Its folder below the root of the store: `namespace/name/uid`."""
        return f"{self.namespace}/{self.name}/{self.uid}"

    def object_key(self, key: str) -> str:
        """Return the key, from the root of the store, of an object in this experiment's folder."""
        return f"{self.prefix}/{key}"

    @classmethod
    def parse(cls, text: str) -> "ExperimentKey":
        """Return the key written as `namespace/name/uid`; ValueError for any other form."""
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"expected NAMESPACE/NAME/UID, not {text!r}")
        return cls(namespace=parts[0], name=parts[1], uid=parts[2])

    @classmethod
    def split_folder_uri(cls, uri: str) -> tuple[str, "ExperimentKey"]:
        """Return the URI of the store's root and the key, given the URI of an experiment's folder.

        Raises ValueError for a URI that does not end in a folder of three levels below a store.
        """
        parts = uri.rstrip("/").split("/")
        if len(parts) < (6 if "://" in uri else 4):
            raise ValueError("is not the folder of an experiment; it ends in NAMESPACE/NAME/UID")
        return "/".join(parts[:-3]), cls.parse("/".join(parts[-3:]))

    @classmethod
    def from_metadata(cls, metadata: _Metadata) -> "ExperimentKey":
        """Return the key of a resource on a cluster; the uid is empty until the API server has set it."""
        return cls(namespace=metadata.namespace, name=metadata.name, uid=metadata.uid or "")

    @classmethod
    def for_local_run(cls, metadata: _Metadata, plan_digest: str) -> "ExperimentKey":
        """Return the key on one machine, where the uid is the short plan digest unless the metadata hold one.

        The same file therefore resumes, and a changed plan is another experiment.
        """
        return cls(namespace=metadata.namespace, name=metadata.name, uid=metadata.uid or short_digest(plan_digest))
