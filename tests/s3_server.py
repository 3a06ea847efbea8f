"""An object store on this machine for tests: moto's server, and for every test a bucket of its own."""

import logging
import uuid

import pytest


@pytest.fixture(scope="session")
def object_store() -> str:
    """The address of the server. It runs until the interpreter ends: pyarrow's connections to one that is gone would wait at exit."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


@pytest.fixture
def bucket(object_store: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """``s3://<bucket>``, empty; AWS's environment variables name the server."""
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", object_store)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}"
