"""A cluster through `kubectl` and `helm`, the tools of its users."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

TIMEOUT_SECONDS = 600.0
"""Time limit of one change on the cluster; a failure then shows the last observation."""


class CommandFailed(Exception):
    """kubectl or helm ended with an error; the message is what it printed."""


@dataclass(frozen=True)
class Kubectl:
    """One namespace of the cluster of $KUBECONFIG."""

    namespace: str

    def run(self, *arguments: str, stdin: str | None = None, program: str = "kubectl") -> str:
        """Run a command and return its output; CommandFailed if it fails."""
        command = [program, "--namespace", self.namespace, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CommandFailed(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def apply(self, *manifests: Manifest) -> None:
        """Apply on the server, which also validates; kubectl would copy a large ConfigMap into an annotation."""
        documents = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.run(
            "apply",
            "--server-side",
            "--force-conflicts",
            "--validate=false",
            "--filename",
            "-",
            stdin=json.dumps(documents),
        )

    def get(self, kind: str, name: str) -> Manifest:
        """Return one object."""
        body: Manifest = json.loads(self.run("get", kind, name, "--output", "json"))
        return body

    def list(self, kind: str, selector: str = "") -> list[Manifest]:
        """Return the objects that match a label selector."""
        items: list[Manifest] = json.loads(self.run("get", kind, "--selector", selector, "--output", "json"))["items"]
        return items

    def may(self, user: str, verb: str, resource: str) -> bool:
        """Whether the user has this right in the namespace; `resource` may be TYPE/NAME."""
        try:
            return self.run("auth", "can-i", verb, resource, "--as", user).strip() == "yes"
        except CommandFailed:
            return False

    def delete(self, kind: str, name: str, *arguments: str) -> None:
        """Delete an object without waiting for its end."""
        self.run("delete", kind, name, "--wait=false", "--ignore-not-found", *arguments)

    def output_of(self, image: str, code: str, secret: str, environment: dict[str, str], **pod: Any) -> str:
        """Run a Python program in a new pod with the keys of an S3 Secret, and return its output."""
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
            lambda pod: pod["status"].get("phase") in ("Succeeded", "Failed"),
        )
        printed = self.run("logs", name)
        self.delete("pod", name)
        assert ended["status"]["phase"] == "Succeeded", printed
        return printed

    def wait(
        self,
        description: str,
        observe: Callable[[], Manifest],
        is_reached: Callable[[Manifest], bool],
        seconds: float = TIMEOUT_SECONDS,
    ) -> Manifest:
        """Observe until the condition is reached, and return that observation."""
        deadline = time.monotonic() + seconds
        while True:
            state = observe()
            if is_reached(state):
                return state
            assert time.monotonic() < deadline, f"{description}: not within {seconds:.0f} s; last {state.get('status')}"
            time.sleep(1)
