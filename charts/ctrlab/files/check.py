"""Program of `helm test`: check that the operator responds and has its rights, and that database and bucket respond."""

import os
import urllib.request

from ctrlab_operator.kubernetes_api.api_client import HttpKubernetesApi
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, JOB, POD
from ctrlab_store import open_store
from ctrlab_study import StudyDatabase

api = HttpKubernetesApi.connect()
namespaces: list[str | None] = [name for name in os.environ["CTRLAB_NAMESPACES"].split(",") if name]
for namespace in namespaces or [None]:
    for kind in (EXPERIMENT, JOB, POD):
        objects = api.list(kind, namespace, "ctrlab.dev/experiment")
        print(f"{namespace or 'cluster'}: may list {kind.plural}; {len(objects)} belong to experiments")

if url := os.environ.get("CTRLAB_DATABASE_URL"):
    database = StudyDatabase(url)
    database.create_schema()
    database.dispose()
    print("database: reachable, tables exist")

if root := os.environ.get("CTRLAB_STORE"):
    store = open_store(root)
    store.put("check", b"ctrlab")
    print(f"store: wrote and read back: {store.get('check').decode()}")

with urllib.request.urlopen(f"{os.environ['CTRLAB_OPERATOR_URL']}/readyz", timeout=10) as response:
    print(f"operator: {response.read().decode().strip()}")
