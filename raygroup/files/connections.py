"""Connections to object stores, one for each store and process."""

import errno
import functools
import os
import textwrap
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from raygroup.errors import ConfigError
from raygroup.files.deadline import within

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

_ATTEMPTS = 8
"""Requests to S3 before one counts as failed. The wait between them doubles."""
_GS_RETRY_S = 12
"""Time for which a request to Google's store is repeated. pyarrow itself would do so for 15 minutes."""
_FIRST_ANSWER_S = 18.0
"""Longest wait for the first answer of a store. Later requests may be long listings."""
_MAX_REASON = 200
"""Longest reason of a store in a message, in characters."""
_S3_SETTINGS = ("region", "endpoint_override", "scheme")


class Store:
    """An object store. Every request that fails raises OSError, and the first one fails in time."""

    def __init__(self, root: str, query: str) -> None:
        self.root = root
        self.query = query
        self._has_answered = False

    @functools.cached_property
    def native(self) -> "FileSystem":
        """The file system of pyarrow. Raises ConfigError for settings that do not exist."""
        return _connect(self.root, self.query)

    def get_file_info(self, names: Any) -> Any:
        """Return information on one name, on several, or on those that a selector lists."""
        return self._ask("get_file_info", names)

    def open_input_stream(self, key: str) -> Any:
        return self._ask("open_input_stream", key)

    def open_input_file(self, key: str) -> Any:
        return self._ask("open_input_file", key)

    def open_output_stream(self, key: str) -> Any:
        return self._ask("open_output_stream", key)

    def delete_file(self, key: str) -> None:
        self._ask("delete_file", key)

    def delete_dir(self, key: str) -> None:
        self._ask("delete_dir", key)

    def copy_file(self, source: str, target: str) -> None:
        """Copy within the store."""
        self._ask("copy_file", source, target)

    def _ask(self, request: str, *arguments: Any) -> Any:
        from pyarrow.lib import ArrowException

        def work() -> Any:
            return getattr(self.native, request)(*arguments)

        try:
            answer = work() if self._has_answered else within(_FIRST_ANSWER_S, work, self.root)
        except FileNotFoundError:
            self._has_answered = True
            raise
        except ArrowException as error:  # Azure's errors are no OSError
            raise OSError(errno.EIO, _one_line(error), self.root) from error
        except OSError as error:
            if error.errno is None and len(str(error)) > _MAX_REASON:
                raise OSError(errno.EIO, _one_line(error), self.root) from error
            raise
        self._has_answered = True
        return answer


@functools.cache
def connect(root: str, query: str) -> Store:
    """Return the connection of this process to a store."""
    return Store(root, query)


def _one_line(error: BaseException) -> str:
    return textwrap.shorten(str(error), _MAX_REASON, placeholder=" ...")


def _connect(root: str, query: str) -> "FileSystem":
    from pyarrow import fs
    from pyarrow.lib import ArrowInvalid

    if root.startswith("gs://") and "retry_limit_seconds" not in parse_qs(query):
        query = "&".join(filter(None, (query, f"retry_limit_seconds={_GS_RETRY_S}")))
    if not root.startswith("s3://"):
        try:
            return fs.FileSystem.from_uri(root + (f"?{query}" if query else ""))[0]
        except ArrowInvalid as error:
            raise ConfigError(f"{root}: {_one_line(error)}") from error
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
