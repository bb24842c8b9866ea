"""What `helm test` runs: the operator answers, may read what it must, and reaches its database and bucket."""

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
        found = api.list(kind, namespace, "ctrlab.dev/experiment")
        print(f"{namespace or 'cluster'}: may list {kind.plural}, found {len(found)} of experiments")

if url := os.environ.get("CTRLAB_DATABASE_URL"):
    database = StudyDatabase(url)
    database.create_schema()
    database.dispose()
    print("database: reached, its tables are there")

if root := os.environ.get("CTRLAB_STORE"):
    store = open_store(root)
    store.put("check", b"ctrlab")
    print(f"store: written and read back: {store.get('check').decode()}")

with urllib.request.urlopen(f"{os.environ['CTRLAB_OPERATOR_URL']}/readyz", timeout=10) as answer:
    print(f"operator: {answer.read().decode().strip()}")
