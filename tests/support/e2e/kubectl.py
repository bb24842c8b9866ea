"""A cluster through `kubectl` and `helm`, as its users reach it."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

PATIENCE = 600.0
"""Seconds for whatever a cluster does; a failure should say what was last seen, not hang."""


class Refused(Exception):
    """What kubectl or helm printed before it ended with an error."""


@dataclass(frozen=True)
class Kubectl:
    """One namespace of the cluster that $KUBECONFIG names."""

    namespace: str

    def run(self, *arguments: str, given: str | None = None, program: str = "kubectl") -> str:
        """What it prints; Refused where it fails."""
        command = [program, "--namespace", self.namespace, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Refused(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def apply(self, *manifests: Manifest) -> None:
        """On the server, which also checks; kubectl would copy a big ConfigMap into an annotation that is too small."""
        documents = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.run(
            "apply",
            "--server-side",
            "--force-conflicts",
            "--validate=false",
            "--filename",
            "-",
            given=json.dumps(documents),
        )

    def get(self, kind: str, name: str) -> Manifest:
        """One object."""
        found: Manifest = json.loads(self.run("get", kind, name, "--output", "json"))
        return found

    def list(self, kind: str, selector: str = "") -> list[Manifest]:
        """Objects with these labels."""
        found: list[Manifest] = json.loads(self.run("get", kind, "--selector", selector, "--output", "json"))["items"]
        return found

    def may(self, user: str, verb: str, resource: str) -> bool:
        """Whether the user has this right in the namespace; `resource` may be TYPE/NAME."""
        try:
            return self.run("auth", "can-i", verb, resource, "--as", user).strip() == "yes"
        except Refused:
            return False

    def delete(self, kind: str, name: str, *arguments: str) -> None:
        """Without waiting for its end."""
        self.run("delete", kind, name, "--wait=false", "--ignore-not-found", *arguments)

    def output_of(self, image: str, code: str, secret: str, environment: dict[str, str], **pod: Any) -> str:
        """What a Python program prints in a pod of its own, with the keys of an S3 Secret."""
        name = f"e2e-{uuid.uuid4().hex[:8]}"
        security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        container = {
            "name": "program",
            "image": image,
            "command": ["python", "-c", code],
            "env": [{"name": key, "value": value} for key, value in environment.items()],
            "envFrom": [{"secretRef": {"name": secret}}],
            "securityContext": security,
            **pod.pop("container", {}),
        }
        spec = {
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            **pod,
        }
        labels = {"app.kubernetes.io/part-of": "ctrlab"}
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec})
        ended = self.wait(
            f"pod {name}",
            lambda: self.get("pod", name),
            lambda found: found["status"].get("phase") in ("Succeeded", "Failed"),
        )
        printed = self.run("logs", name)
        self.delete("pod", name)
        assert ended["status"]["phase"] == "Succeeded", printed
        return printed

    def wait(
        self,
        what: str,
        look: Callable[[], Manifest],
        holds: Callable[[Manifest], bool],
        patience: float = PATIENCE,
    ) -> Manifest:
        """The first look for which it holds."""
        deadline = time.monotonic() + patience
        while True:
            found = look()
            if holds(found):
                return found
            assert time.monotonic() < deadline, f"{what}: not within {patience:.0f} s; last {found.get('status')}"
            time.sleep(1)
