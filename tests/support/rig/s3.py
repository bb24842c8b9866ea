"""A real S3 server: SeaweedFS, from its wheel."""

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ACCESS_KEY, SECRET_KEY, BUCKET = "rig-access", "rig-secret", "experiments"
PATIENCE_SECONDS = 60.0


class S3Server:
    """One server process on free ports of 127.0.0.1, with one empty bucket."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made, and holds data and log."""
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""

    def start(self) -> None:
        """Returns when the bucket is there."""
        program = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
        self._folder.mkdir(parents=True)
        identity = {
            "name": "rig",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        (self._folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        ports = dict(zip(("master", "volume", "filer", "s3"), _free_ports(4), strict=True))
        self.endpoint = f"http://127.0.0.1:{ports['s3']}"
        log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                program,
                "server",
                f"-dir={self._folder}",
                "-ip=127.0.0.1",
                "-s3",
                f"-s3.config={self._folder / 's3.json'}",
                *(f"-{name}.port={port}" for name, port in ports.items()),
                *(f"-{name}.port.grpc={port + 10000}" for name, port in ports.items()),
                "-master.volumeSizeLimitMB=64",
                "-volume.max=20",
            ],
            stdout=log,
            stderr=log,
        )
        log.close()
        self._make_bucket()

    def stop(self) -> None:
        """The data stays in the folder."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _make_bucket(self) -> None:
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(retries={"max_attempts": 1}, connect_timeout=2, read_timeout=10),
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"")
                return
            except (BotoCoreError, ClientError) as error:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"weed did not start; see {self._folder / 'log'}") from error
                time.sleep(0.3)


def _free_ports(count: int) -> list[int]:
    """Ports below 20000, because ten thousand more must be free for gRPC."""
    found: list[int] = []
    for port in range(12000, 20000):
        with socket.socket() as probe, socket.socket() as other:
            try:
                probe.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10000))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no free ports between 12000 and 20000")
