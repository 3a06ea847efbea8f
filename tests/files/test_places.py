"""A folder and an object store behave alike: the tests with ``root`` run on both."""

import importlib
import os
import pickle
import re
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

import raygroup
from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write, read_json, read_json_if_exists, write_bytes, write_json
from raygroup.files.local_copies import copies_folder, copy_path, fetch, local_copy, publish
from raygroup.files.places import Place, arrow_source, local_path, parse_local_path, parse_place, place, remove, size_of
from raygroup.files.remote import Remote
from raygroup.runs import arguments as runs_arguments


@pytest.fixture(params=["folder", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path / "copies"))
    """An empty folder, and an empty prefix of an object store."""
    if request.param == "folder":
        return place(tmp_path / "runs")
    return place(f"{request.getfixturevalue('bucket')}/runs")


def write_files(root: Place, *names: str) -> None:
    """Write files of ten bytes each."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(root / name, bytes(10))


def names(root: Place, paths: Iterable[Place]) -> list[str]:
    """Return the sorted names of paths, relative to the root."""
    return sorted(str(path.relative_to(root)) for path in paths)


def test_a_text_is_a_folder_or_a_name_in_an_object_store():
    assert place("runs") == Path("runs")
    assert place(Path("/tmp/runs")) == Path("/tmp/runs")
    assert isinstance(place("s3://bucket/runs/"), Remote)
    assert str(place("s3://bucket/runs/")) == "s3://bucket/runs"
    assert place(place("gs://bucket/runs")) == place("gs://bucket/runs")


@pytest.mark.parametrize("wrong", ["http://bucket/runs", "s3://", "ftp://host/runs"])
def test_an_unknown_kind_of_store_is_refused_with_the_known_ones(wrong):
    with pytest.raises(ConfigError, match="a storage path is a folder, or s3://bucket/folder"):
        place(wrong)


def test_an_unknown_setting_of_a_store_is_named():
    with pytest.raises(ConfigError, match="endpoint is no setting; there are region, endpoint_override and scheme"):
        place("s3://bucket/runs?endpoint=localhost").exists()


def test_paths_are_joined_and_split_alike(root):
    path = root / "small" / "trial-1" / "history.parquet"
    assert (path.name, path.stem, path.suffix) == ("history.parquet", "history", ".parquet")
    assert path.parent == root / "small" / "trial-1"
    assert path.parent.parent.name == "small"
    assert path.with_name("DONE.json") == root / "small/trial-1/DONE.json"
    assert str(path.relative_to(root)) == "small/trial-1/history.parquet"
    assert path.absolute() == path
    assert root / PurePosixPath("small/trial-1/history.parquet") == path
    assert len({path, root / "small" / "trial-1" / "history.parquet"}) == 1
    assert sorted([root / "b", root / "a"]) == [root / "a", root / "b"]


def test_a_path_elsewhere_is_not_below_the_root(root):
    elsewhere = Path("/elsewhere/runs/small") if isinstance(root, Path) else place("s3://elsewhere/runs/small")
    with pytest.raises(ValueError, match="elsewhere"):
        elsewhere.relative_to(root)


def test_a_file_and_a_folder_are_told_apart_and_from_a_missing_one(root):
    write_files(root, "small/DONE.json")
    assert (root / "small/DONE.json").is_file()
    assert (root / "small").is_dir()
    assert not (root / "small").is_file()
    assert not (root / "small/DONE.json").is_dir()
    assert not (root / "small/DONE.json").is_symlink()
    for missing in (root / "smal", root / "small/DONE.jso", root / "small/DONE.json.partial"):
        assert not missing.exists()
        assert not missing.is_file()
        assert not missing.is_dir()


def test_iterdir_lists_one_level(root):
    write_files(root, "a/1", "a/b/2", "c")
    assert names(root, root.iterdir()) == ["a", "c"]
    assert names(root, (root / "a").iterdir()) == ["a/1", "a/b"]


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", ["big", "cache", "small"]),
        ("*/sweep.json", ["big/sweep.json", "small/sweep.json"]),
        ("small/sweep.json", ["small/sweep.json"]),
        ("small/nothing.json", []),
        ("nothing/*.json", []),
        ("*/*/*.arrows", ["small/history/attempt-1.arrows", "small/history/attempt-2.arrows"]),
        ("*/history/attempt-[2-9].arrows", ["small/history/attempt-2.arrows"]),
        ("small/h*", ["small/history"]),
        ("*/history", ["small/history"]),
    ],
)
def test_a_glob_pattern_matches_part_by_part(root, pattern, matches):
    write_files(root, "small/sweep.json", "small/history/attempt-1.arrows", "small/history/attempt-2.arrows", "big/sweep.json", "cache/x")
    assert names(root, root.glob(pattern)) == matches


def test_rglob_matches_at_any_depth(root):
    write_files(root, "small/sweep.json", "small/trial/DONE.json", "small/trial/checkpoints/state.json", "small/trial/x.partial-7")
    assert names(root, root.rglob("*.json")) == ["small/sweep.json", "small/trial/DONE.json", "small/trial/checkpoints/state.json"]
    assert names(root, (root / "small").rglob("DONE.json")) == ["small/trial/DONE.json"]
    assert names(root, root.rglob("*.partial*")) == ["small/trial/x.partial-7"]


def test_a_missing_folder_has_no_matches(root):
    assert not list((root / "nowhere").glob("*"))
    assert not list((root / "nowhere").glob("*/sweep.json"))
    assert not list((root / "nowhere").rglob("*"))


def test_an_interrupted_write_leaves_no_file_and_keeps_the_old_one(root):
    def interrupt_a_write(path: Place) -> None:
        with atomic_write(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    write_files(root, "old")
    for path in (root / "new", root / "old"):
        with pytest.raises(ZeroDivisionError):
            interrupt_a_write(path)
    assert names(root, root.iterdir()) == ["old"]
    assert (root / "old").read_bytes() == bytes(10)


def test_a_second_write_replaces_the_content(root):
    write_files(root, "file")
    write_bytes(root / "file", b"later", durable=False)
    assert (root / "file").read_bytes() == b"later"
    assert names(root, root.iterdir()) == ["file"]


def test_concurrent_writers_leave_the_content_of_one_of_them(root):
    write_files(root, "file")
    contents = [bytes([number]) * 100_000 for number in range(8)]
    writers = [threading.Thread(target=write_bytes, args=(root / "file", content)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (root / "file").read_bytes() in contents
    assert names(root, root.iterdir()) == ["file"]


def test_a_failed_write_raises_an_os_error_that_names_the_file(root, bucket, tmp_path):
    (tmp_path / "file").write_bytes(b"in the way")
    target = tmp_path / "file" / "x.json" if isinstance(root, Path) else place("s3://no-such-bucket/runs/x.json")
    with pytest.raises(OSError, match=str(target)) as caught:
        write_json(target, {})
    assert caught.value.errno
    assert caught.value.filename == str(target)


def test_a_small_object_is_written_with_one_request(bucket, monkeypatch):
    from moto.s3.models import s3_backends

    requests = []
    store = type(s3_backends["123456789012"]["aws"])
    for name in ("create_multipart_upload", "put_object"):
        original = getattr(store, name)
        monkeypatch.setattr(store, name, lambda *a, _do=original, _name=name, **k: (requests.append(_name), _do(*a, **k))[1])
    write_json(place(f"{bucket}/runs/progress.json"), {"step": 1})
    assert requests == ["put_object"]


def test_json_keeps_its_letters_and_has_a_layout(root):
    write_files(root, "other")
    write_json(root / "DONE.json", {"text": "বাংলা", "steps": 3})
    assert read_json(root / "DONE.json") == {"layout": 1, "text": "বাংলা", "steps": 3}
    assert "বাংলা" in (root / "DONE.json").read_text(encoding="utf-8")


def test_an_unreadable_json_file_is_named(root):
    write_files(root, "zeros")
    for name, content, message in (
        ("torn", b'{"layout": 1, "na', "not readable"),
        ("latin", b'{"layout": 1, "text": "\xe4"}', "not readable"),
        ("list", b"[1]", "damaged: it is no JSON object with a layout"),
        ("later", b'{"layout": 2}', "layout 2, this raygroup reads 1: use the raygroup that wrote it"),
    ):
        write_bytes(root / name, content)
        with pytest.raises(ConfigError, match=f"{name}: {message}"):
            read_json(root / name)
        with pytest.raises(ConfigError, match=f"{name}: {message}"):
            read_json_if_exists(root / name)
    with pytest.raises(ConfigError, match="nothing: not readable") as caught:
        read_json(root / "nothing")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_storage_that_fails_while_a_json_file_is_read_is_no_bad_input(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_text", fail)
    with pytest.raises(OSError, match=r"Input/output error: '.*DONE\.json'"):
        read_json_if_exists(tmp_path / "DONE.json")


def test_a_missing_json_file_reads_as_empty_if_that_is_allowed(root):
    write_files(root, "file")
    assert read_json_if_exists(root / "nothing") == {}
    assert read_json_if_exists(root / "nowhere" / "nothing") == {}
    assert read_json_if_exists(root / "file" / "below") == {}


def test_reading_a_missing_file_raises_file_not_found(root):
    write_files(root, "file")
    for read in ((root / "nothing").read_bytes, (root / "nothing").read_text, (root / "nothing").unlink):
        with pytest.raises(FileNotFoundError):
            read()
    (root / "nothing").unlink(missing_ok=True)


def test_a_deleted_file_leaves_the_others_of_its_folder(root):
    write_files(root, "a/1", "a/2")
    (root / "a/1").unlink()
    assert names(root, (root / "a").iterdir()) == ["a/2"]


def test_the_size_of_a_folder_counts_files_at_any_depth(root):
    write_files(root, "a/1", "a/b/2", "c")
    assert [size_of(path) for path in (root, root / "a", root / "c", root / "nothing")] == [30, 20, 10, 0]


def test_remove_deletes_a_folder_with_everything_below_and_nothing_beside_it(root):
    write_files(root, "a/1", "a/b/2", "ab/3", "c")
    remove(root / "a")
    remove(root / "c")
    remove(root / "nothing")
    assert not (root / "a").exists()
    assert size_of(root) == 10
    assert (root / "ab/3").is_file()


def test_a_place_can_be_pickled(root):
    write_files(root, "file")
    unpickled = pickle.loads(pickle.dumps(root / "file"))
    assert unpickled == root / "file"
    assert unpickled.read_bytes() == bytes(10)


def test_a_pickled_place_keeps_the_settings_of_its_store(bucket, object_store, monkeypatch):
    write_bytes(place(f"{bucket}/runs/file"), b"there")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    configured = place(f"{bucket}/runs?endpoint_override={object_store.removeprefix('http://')}&scheme=http&region=us-east-1")
    unpickled = pickle.loads(pickle.dumps(configured / "file"))
    assert unpickled.read_bytes() == b"there"


def test_a_local_copy_is_fetched_once(root):
    write_files(root, "cache/words/words.parquet")
    first = local_copy(root / "cache/words/words.parquet")
    assert first.read_bytes() == bytes(10)
    before = first.stat().st_mtime_ns
    assert local_copy(root / "cache/words/words.parquet").stat().st_mtime_ns == before
    with pytest.raises(FileNotFoundError):
        local_copy(root / "cache/words/nothing").read_bytes()


def test_concurrent_readers_share_one_local_copy(root):
    write_files(root, "cache/words.parquet")
    copies: list[Path] = []
    readers = [threading.Thread(target=lambda: copies.append(local_copy(root / "cache/words.parquet"))) for _ in range(6)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(set(copies)) == 1
    assert copies[0].read_bytes() == bytes(10)


def test_two_objects_with_one_file_name_have_two_local_copies():
    assert copy_path(Remote("s3://bucket/a/file")) != copy_path(Remote("s3://bucket/b/file"))


def test_a_published_file_has_the_content_of_the_local_one(root, tmp_path):
    write_files(root, "other")
    (tmp_path / "local").write_bytes(b"x" * 100_000)
    target = tmp_path / "local" if isinstance(root, Path) else root / "published"
    publish(tmp_path / "local", target)
    assert target.read_bytes() == b"x" * 100_000
    if isinstance(target, Remote):
        fetch(target, tmp_path / "fetched")
        assert (tmp_path / "fetched").read_bytes() == b"x" * 100_000


def test_pyarrow_reads_a_parquet_file_from_both(root):
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_files(root, "other")
    with atomic_write(root / "table.parquet") as file:
        pq.write_table(pa.table({"step": [1, 2, 3]}), file)
    with pq.ParquetFile(arrow_source(root / "table.parquet")) as file:
        assert file.read(["step"])["step"].to_pylist() == [1, 2, 3]


def test_files_may_disappear_while_a_folder_is_measured(tmp_path):
    """``runs list`` measures folders beside a running sweep."""
    stop = threading.Event()

    def create_and_delete() -> None:
        while not stop.is_set():
            (tmp_path / "x.partial").write_bytes(bytes(10))
            (tmp_path / "folder").mkdir()
            (tmp_path / "x.partial").unlink()
            (tmp_path / "folder").rmdir()

    writer = threading.Thread(target=create_and_delete)
    writer.start()
    try:
        assert max(size_of(tmp_path) for _ in range(2000)) <= 10
    finally:
        stop.set()
        writer.join()


def test_removing_a_link_keeps_its_target(tmp_path):
    write_files(tmp_path, "data/file")
    os.symlink(tmp_path / "data", tmp_path / "link")
    remove(tmp_path / "link")
    assert not (tmp_path / "link").exists()
    assert (tmp_path / "data/file").is_file()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("s3:/bucket/runs", "s3://bucket/runs"),
        ("s3//bucket/runs", "s3://bucket/runs"),
        ("s3:bucket", "s3://bucket"),
        ("s3:///bucket/runs", "s3://bucket/runs"),
        ("S3://bucket/runs", "s3://bucket/runs"),
        ("s3a://bucket/runs", "s3://bucket/runs"),
        ("gcs://bucket/runs", "gs://bucket/runs"),
        ("gs:/bucket", "gs://bucket"),
        ("https:/bucket.s3.amazonaws.com", "s3://bucket/folder"),
        ("https://bucket.s3.amazonaws.com", "s3://bucket/folder"),
        ("file:///tmp/runs", "a storage path is a folder"),
    ],
)
@pytest.mark.parametrize("convert", [place, local_path])
def test_a_text_that_is_almost_a_uri_is_refused_with_what_would_be_right(convert, wrong, right):
    with pytest.raises(ConfigError, match=re.escape(right)) as refused:
        convert(wrong)
    assert wrong in str(refused.value)


def test_a_uri_that_went_through_pathlib_is_refused_with_the_uri():
    with pytest.raises(ConfigError, match="write s3://bucket/runs"):
        place(Path("s3://bucket/runs"))


@pytest.mark.parametrize("plain", ["runs", "./s3:/bucket", "../runs", "/data/runs:2", "s3", "s3/bucket", "gs-runs", "trial=s3:x"])
def test_an_ordinary_path_stays_as_it_is(plain):
    assert place(plain) == local_path(plain) == Path(plain)


def test_a_uri_is_no_path_of_this_machine():
    with pytest.raises(ConfigError, match="s3://bucket/words: must be a path of this machine"):
        local_path("s3://bucket/words")


@pytest.mark.parametrize("uri", ["s3://KEY:SECRET@bucket/runs", "s3://KEY@bucket/runs", "abfs://account:SECRET@container/runs"])
def test_credentials_in_a_uri_are_refused_and_not_repeated(uri):
    with pytest.raises(ConfigError, match="must hold no password") as refused:
        place(uri)
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize("text", ["~", "~/runs", Path("~/runs")])
@pytest.mark.parametrize("convert", [place, local_path, parse_place, parse_local_path])
def test_a_tilde_is_the_home_folder(convert, text, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert convert(text) == tmp_path / str(text)[2:]


def test_a_tilde_of_an_unknown_user_is_refused():
    with pytest.raises(ConfigError, match="~nobody-has-this-name/runs: no home folder is known"):
        place("~nobody-has-this-name/runs")


def test_the_python_api_reads_a_storage_path_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=f"no storage path {tmp_path}/runs"):
        raygroup.read_sweeps("~/runs")
    with pytest.raises(ConfigError, match="write s3://bucket"):
        raygroup.read_sweep("smoke", "s3:/bucket")


PATH_ARGUMENTS = [
    ("raygroup.sweep", "--storage-path=~/x", "storage_path"), ("raygroup.sweep", "--words=~/x", "words"),
    ("raygroup.sweep", "--fonts=~/x", "fonts"), ("raygroup.sweep", "--cluster=~/x", "cluster"),
    ("raygroup.features", "~/x", "data"), ("raygroup.pretrain.__main__", "--out=~/x", "out"),
    ("raygroup.pretrain.__main__", "--storage-path=~/x", "storage_path"), ("raygroup.pretrain.__main__", "--scenes=~/x", "scenes"),
    ("raygroup.read.__main__", "--labels=~/x", "labels"), ("raygroup.spot.__main__", "--out=~/x", "out"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "argument", "name"), PATH_ARGUMENTS)
def test_every_path_of_a_command_knows_the_tilde_and_refuses_what_is_almost_a_uri(module, argument, name, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    parser = importlib.import_module(module).build_parser()
    needed = {"raygroup.read.__main__": ["package"], "raygroup.spot.__main__": ["photograph.jpg", "--model", "spotter"]}.get(module, [])
    assert getattr(parser.parse_args([*needed, argument]), name) == tmp_path / "x"
    with pytest.raises(ConfigError, match="s3:/bucket: write s3://bucket"):
        parser.parse_args([*needed, argument.replace("~/x", "s3:/bucket")])


def test_the_paths_of_runs_know_the_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    parse = runs_arguments.build_parser().parse_args
    assert runs_arguments.storage_paths(parse(["list", "~/x", "--storage-path=~/y"])) == (tmp_path / "x", tmp_path / "y")
    assert runs_arguments.retry_arguments(parse(["retry", "smoke", "~/x"]))[1] == (tmp_path / "x",)
    assert parse(["pull", "~/x", "~/y"]).target == tmp_path / "y"


def test_the_folder_of_copies_is_closed_to_others_even_if_it_was_open(tmp_path, monkeypatch):
    monkeypatch.delenv("RAYGROUP_COPIES", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert copies_folder().stat().st_mode & 0o777 == 0o700
    copies_folder().chmod(0o777)
    assert copies_folder().stat().st_mode & 0o777 == 0o700


def test_a_folder_of_copies_that_another_user_owns_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("RAYGROUP_COPIES", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = copies_folder()
    other_user = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other_user)
    folder.rename(tmp_path / f"raygroup-copies-{os.getuid()}")
    with pytest.raises(ConfigError, match="belongs to another user, or is a link: set RAYGROUP_COPIES"):
        copies_folder()


def test_a_link_is_no_folder_of_copies(tmp_path, monkeypatch):
    monkeypatch.delenv("RAYGROUP_COPIES", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = copies_folder()
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is a link"):
        copies_folder()
