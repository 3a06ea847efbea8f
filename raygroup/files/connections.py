"""Connections to object stores, one for each store and process."""

import functools
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from raygroup.errors import ConfigError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

_ATTEMPTS = 8
"""Requests to an object store before one counts as failed. The wait between them doubles."""
_S3_SETTINGS = ("region", "endpoint_override", "scheme")


@functools.cache
def connect(root: str, query: str) -> "FileSystem":
    """Return the connection of this process to a store."""
    from pyarrow import fs

    if not root.startswith("s3://"):
        return fs.FileSystem.from_uri(root + (f"?{query}" if query else ""))[0]
    options = {name: values[-1] for name, values in parse_qs(query).items()}
    unknown = sorted(set(options) - set(_S3_SETTINGS))
    if unknown:
        raise ConfigError(f"{root}?{query}: {unknown[0]} is no setting; there are region, endpoint_override and scheme")
    retry = fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS)
    # With delayed opening, a small file takes one request instead of three.
    return fs.S3FileSystem(**_s3_arguments(root, options), retry_strategy=retry, allow_delayed_open=True)


def _s3_arguments(root: str, options: dict[str, str]) -> dict[str, Any]:
    """Return endpoint and region: from the query, else from AWS's environment variables. pyarrow
    finds the credentials itself."""
    from pyarrow import fs

    endpoint = options.get("endpoint_override") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = options.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        scheme, _, host = endpoint.rpartition("://")
        return {"endpoint_override": host, "scheme": options.get("scheme") or scheme or "https", "region": region or "us-east-1"}
    bucket = urlsplit(root).netloc
    try:
        return {"region": region or fs.resolve_s3_region(bucket)}
    except OSError as error:
        raise ConfigError(f"{root}: no such bucket, or it does not answer: {error}") from error
