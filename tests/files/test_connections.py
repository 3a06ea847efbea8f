"""Object stores that do not answer end a command in time, with one line, and can be interrupted."""

import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from raygroup.errors import ConfigError
from raygroup.files import connections
from raygroup.files.deadline import within
from raygroup.files.places import place

URIS = {
    "s3": "s3://bucket/runs?scheme=http&endpoint_override=HOST",
    "gs": "gs://bucket/runs?scheme=http&endpoint_override=HOST",
    "abfs": "abfs://container@account.dfs.core.windows.net/runs?blob_storage_authority=HOST&dfs_storage_authority=HOST"
    "&enable_tls=false&credential_kind=anonymous",
}
KINDS = ["gs", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("s3", "abfs"))]


@pytest.fixture
def silent_host():
    """Yield the address of a server that accepts connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def credentials(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made up")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def start(uri: str, limit_s: float) -> "subprocess.Popen[str]":
    """Start a dry run of a sweep on a store, in a process whose Ctrl-C works."""
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from raygroup.files import connections; from raygroup import sweep\n"
        f"connections._FIRST_ANSWER_S = {limit_s}\n"
        "work = connections.within\n"
        "def within(*arguments):\n    print('asked', flush=True)\n    return work(*arguments)\n"
        "connections.within = within\n"
        f"sys.exit(sweep.main(['smoke', '--dry-run', '--storage-path', {uri!r}]))"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_never_answers_ends_a_command_with_one_line(kind, silent_host, credentials):
    command = start(URIS[kind].replace("HOST", silent_host), 0.5)
    _, err = command.communicate(timeout=120)
    assert command.returncode == 3
    assert "does not answer within 0.5 s" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", KINDS)
def test_a_command_that_asks_a_store_can_be_interrupted(kind, number, silent_host, credentials):
    command = start(URIS[kind].replace("HOST", silent_host), 600.0)
    assert command.stdout.readline() == "asked\n"
    time.sleep(0.2)  # let it block
    command.send_signal(number)
    _, err = command.communicate(timeout=120)
    assert command.returncode == 130
    assert "Traceback" not in err


def test_googles_client_repeats_requests_for_less_time_than_the_limit():
    assert connections._GS_RETRY_S < connections._FIRST_ANSWER_S <= 20


def test_an_error_of_azures_client_is_an_os_error_in_one_line(monkeypatch):
    from pyarrow.lib import ArrowException

    class Native:
        def get_file_info(self, key):
            raise ArrowException("Unknown error:\nno token\n" + 500 * "x ")

    store = connections.Store("abfs://container@account", "")
    monkeypatch.setattr(connections, "_connect", lambda root, query: Native())
    with pytest.raises(OSError, match="Unknown error: no token") as failed:
        store.get_file_info("runs")
    assert len(str(failed.value)) < 300
    assert len(str(failed.value).splitlines()) == 1


def test_an_unknown_setting_of_googles_store_is_bad_input():
    with pytest.raises(ConfigError, match="gs://bucket: .*no_such_setting"):
        place("gs://bucket/runs?no_such_setting=1").exists()


def test_work_in_time_returns_its_result_and_raises_its_error():
    assert within(60.0, lambda: 7, "store") == 7
    with pytest.raises(ZeroDivisionError):
        within(60.0, lambda: 1 // 0, "store")


def test_only_the_first_request_to_a_store_has_a_limit(monkeypatch):
    limits = []

    class Native:
        def get_file_info(self, key):
            return key

    store = connections.Store("gs://bucket", "")
    monkeypatch.setattr(connections, "_connect", lambda root, query: Native())
    monkeypatch.setattr(connections, "within", lambda limit_s, work, name: limits.append(limit_s) or work())
    assert [store.get_file_info(key) for key in "abc"] == ["a", "b", "c"]
    assert limits == [connections._FIRST_ANSWER_S]


def test_work_that_never_ends_is_left_alone():
    released = threading.Event()
    with pytest.raises(TimeoutError, match="does not answer within 0.01 s: 'store'"):
        within(0.01, released.wait, "store")
    released.set()
