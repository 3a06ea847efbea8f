"""A folder and an object store answer alike: one set of statements, true of both."""

import os
import pickle
import threading
from pathlib import Path, PurePosixPath

import pytest

from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write, read_json, read_json_if_exists, write_bytes, write_json
from raygroup.files.local_copies import copy_path, fetch, local_copy, publish
from raygroup.files.places import Place, Remote, arrow_source, place, remove, size_of


@pytest.fixture(params=["folder", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path / "copies"))
    where = str(tmp_path / "runs") if request.param == "folder" else f"{request.getfixturevalue('bucket')}/runs"
    return place(where)


def filled(root: Place, *names: str) -> Place:
    """The root with these files, each of ten bytes."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(root / name, bytes(10))
    return root


def names(root: Place, found: object) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in found)  # type: ignore[attr-defined]


def test_what_a_user_types_is_a_folder_or_a_name_in_a_store():
    assert place("runs") == Path("runs")
    assert place(Path("/tmp/runs")) == Path("/tmp/runs")
    assert isinstance(place("s3://bucket/runs/"), Remote)
    assert str(place("s3://bucket/runs/")) == "s3://bucket/runs"
    assert place(place("gs://bucket/runs")) == place("gs://bucket/runs")


@pytest.mark.parametrize("wrong", ["http://bucket/runs", "s3://", "ftp://host/runs"])
def test_a_kind_of_store_that_is_not_known_says_which_are(wrong):
    with pytest.raises(ConfigError, match="a storage path is a folder, or s3://bucket/folder"):
        place(wrong)


def test_a_setting_of_a_store_that_is_none_is_named():
    with pytest.raises(ConfigError, match="endpoint is no setting; there are region, endpoint_override and scheme"):
        place("s3://bucket/runs?endpoint=localhost").exists()


def test_names_are_put_together_and_taken_apart_alike(root):
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


def test_a_name_of_another_place_is_not_below_this_one(root):
    elsewhere = Path("/elsewhere/runs/small") if isinstance(root, Path) else place("s3://elsewhere/runs/small")
    with pytest.raises(ValueError, match="elsewhere"):
        elsewhere.relative_to(root)


def test_what_is_there_is_seen_as_file_or_folder(root):
    filled(root, "small/DONE.json")
    assert (root / "small/DONE.json").is_file()
    assert (root / "small").is_dir()
    assert not (root / "small").is_file()
    assert not (root / "small/DONE.json").is_dir()
    assert not (root / "small/DONE.json").is_symlink()
    for missing in (root / "smal", root / "small/DONE.jso", root / "small/DONE.json.partial"):
        assert not missing.exists()
        assert not missing.is_file()
        assert not missing.is_dir()


def test_a_folder_is_listed_one_level_deep(root):
    filled(root, "a/1", "a/b/2", "c")
    assert names(root, root.iterdir()) == ["a", "c"]
    assert names(root, (root / "a").iterdir()) == ["a/1", "a/b"]


@pytest.mark.parametrize(
    ("pattern", "found"),
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
def test_patterns_match_part_by_part(root, pattern, found):
    filled(root, "small/sweep.json", "small/history/attempt-1.arrows", "small/history/attempt-2.arrows", "big/sweep.json", "cache/x")
    assert names(root, root.glob(pattern)) == found


def test_patterns_match_at_any_depth(root):
    filled(root, "small/sweep.json", "small/trial/DONE.json", "small/trial/checkpoints/state.json", "small/trial/x.partial-7")
    assert names(root, root.rglob("*.json")) == ["small/sweep.json", "small/trial/DONE.json", "small/trial/checkpoints/state.json"]
    assert names(root, (root / "small").rglob("DONE.json")) == ["small/trial/DONE.json"]
    assert names(root, root.rglob("*.partial*")) == ["small/trial/x.partial-7"]


def test_nothing_matches_in_what_is_not_there(root):
    assert not list((root / "nowhere").glob("*"))
    assert not list((root / "nowhere").glob("*/sweep.json"))
    assert not list((root / "nowhere").rglob("*"))


def test_a_file_appears_whole_or_not_at_all(root):
    def interrupted(path: Place) -> None:
        with atomic_write(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    filled(root, "old")
    for path in (root / "new", root / "old"):
        with pytest.raises(ZeroDivisionError):
            interrupted(path)
    assert names(root, root.iterdir()) == ["old"]
    assert (root / "old").read_bytes() == bytes(10)


def test_a_file_written_again_has_the_later_content(root):
    filled(root, "file")
    write_bytes(root / "file", b"later", durable=False)
    assert (root / "file").read_bytes() == b"later"
    assert names(root, root.iterdir()) == ["file"]


def test_writers_of_one_file_leave_one_of_their_contents(root):
    filled(root, "file")
    contents = [bytes([number]) * 100_000 for number in range(8)]
    writers = [threading.Thread(target=write_bytes, args=(root / "file", content)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (root / "file").read_bytes() in contents
    assert names(root, root.iterdir()) == ["file"]


def test_a_file_that_cannot_be_written_is_named_in_an_error_of_the_operating_system(root, bucket, tmp_path):
    (tmp_path / "file").write_bytes(b"in the way")
    target = tmp_path / "file" / "x.json" if isinstance(root, Path) else place("s3://no-such-bucket/runs/x.json")
    with pytest.raises(OSError, match=str(target)) as caught:
        write_json(target, {})
    assert caught.value.errno
    assert caught.value.filename == str(target)


def test_a_small_file_in_an_object_store_is_written_with_one_request(bucket, monkeypatch):
    from moto.s3.models import s3_backends

    asked = []
    store = type(s3_backends["123456789012"]["aws"])
    for name in ("create_multipart_upload", "put_object"):
        original = getattr(store, name)
        monkeypatch.setattr(store, name, lambda *a, _do=original, _name=name, **k: (asked.append(_name), _do(*a, **k))[1])
    write_json(place(f"{bucket}/runs/progress.json"), {"step": 1})
    assert asked == ["put_object"]


def test_json_keeps_its_letters_and_its_layout(root):
    filled(root, "other")
    write_json(root / "DONE.json", {"text": "বাংলা", "steps": 3})
    assert read_json(root / "DONE.json") == {"layout": 1, "text": "বাংলা", "steps": 3}
    assert "বাংলা" in (root / "DONE.json").read_text(encoding="utf-8")


def test_json_that_cannot_be_read_names_its_file(root):
    filled(root, "zeros")
    for name, content, said in (
        ("torn", b'{"layout": 1, "na', "not readable"),
        ("latin", b'{"layout": 1, "text": "\xe4"}', "not readable"),
        ("list", b"[1]", "layout None, this raygroup reads 1"),
        ("later", b'{"layout": 2}', "layout 2, this raygroup reads 1: use the raygroup that wrote it"),
    ):
        write_bytes(root / name, content)
        with pytest.raises(ConfigError, match=f"{name}: {said}"):
            read_json(root / name)
        with pytest.raises(ConfigError, match=f"{name}: {said}"):
            read_json_if_exists(root / name)
    with pytest.raises(ConfigError, match="nothing: not readable") as caught:
        read_json(root / "nothing")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_json_that_is_not_there_may_be_asked_for(root):
    filled(root, "file")
    assert read_json_if_exists(root / "nothing") == {}
    assert read_json_if_exists(root / "nowhere" / "nothing") == {}
    assert read_json_if_exists(root / "file" / "below") == {}


def test_reading_what_is_not_there_is_the_error_of_a_missing_file(root):
    filled(root, "file")
    for read in ((root / "nothing").read_bytes, (root / "nothing").read_text, (root / "nothing").unlink):
        with pytest.raises(FileNotFoundError):
            read()
    (root / "nothing").unlink(missing_ok=True)


def test_a_file_goes_and_its_folder_stays_for_the_others(root):
    filled(root, "a/1", "a/2")
    (root / "a/1").unlink()
    assert names(root, (root / "a").iterdir()) == ["a/2"]


def test_sizes_are_those_of_the_files_at_any_depth(root):
    filled(root, "a/1", "a/b/2", "c")
    assert [size_of(path) for path in (root, root / "a", root / "c", root / "nothing")] == [30, 20, 10, 0]


def test_what_is_removed_is_gone_with_all_below_it_and_nothing_beside_it(root):
    filled(root, "a/1", "a/b/2", "ab/3", "c")
    remove(root / "a")
    remove(root / "c")
    remove(root / "nothing")
    assert not (root / "a").exists()
    assert size_of(root) == 10
    assert (root / "ab/3").is_file()


def test_a_place_travels_to_another_process(root):
    filled(root, "file")
    again = pickle.loads(pickle.dumps(root / "file"))
    assert again == root / "file"
    assert again.read_bytes() == bytes(10)


def test_the_settings_of_a_store_travel_with_it(bucket, object_store, monkeypatch):
    write_bytes(place(f"{bucket}/runs/file"), b"there")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    told = place(f"{bucket}/runs?endpoint_override={object_store.removeprefix('http://')}&scheme=http&region=us-east-1")
    again = pickle.loads(pickle.dumps(told / "file"))
    assert again.read_bytes() == b"there"


def test_a_copy_on_this_machine_is_made_once(root):
    filled(root, "cache/words/words.parquet")
    first = local_copy(root / "cache/words/words.parquet")
    assert first.read_bytes() == bytes(10)
    before = first.stat().st_mtime_ns
    assert local_copy(root / "cache/words/words.parquet").stat().st_mtime_ns == before
    with pytest.raises(FileNotFoundError):
        local_copy(root / "cache/words/nothing").read_bytes()


def test_readers_that_need_a_copy_at_the_same_time_share_it(root):
    filled(root, "cache/words.parquet")
    found: list[Path] = []
    readers = [threading.Thread(target=lambda: found.append(local_copy(root / "cache/words.parquet"))) for _ in range(6)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(set(found)) == 1
    assert found[0].read_bytes() == bytes(10)


def test_files_of_one_name_in_two_folders_have_two_copies():
    assert copy_path(Remote("s3://bucket/a/file")) != copy_path(Remote("s3://bucket/b/file"))


def test_a_published_file_reads_as_the_local_one(root, tmp_path):
    filled(root, "other")
    (tmp_path / "made").write_bytes(b"x" * 100_000)
    target = tmp_path / "made" if isinstance(root, Path) else root / "published"
    publish(tmp_path / "made", target)
    assert target.read_bytes() == b"x" * 100_000
    if isinstance(target, Remote):
        fetch(target, tmp_path / "fetched")
        assert (tmp_path / "fetched").read_bytes() == b"x" * 100_000


def test_arrow_reads_what_is_stored_part_by_part(root):
    import pyarrow as pa
    import pyarrow.parquet as pq

    filled(root, "other")
    with atomic_write(root / "table.parquet") as file:
        pq.write_table(pa.table({"step": [1, 2, 3]}), file)
    with pq.ParquetFile(arrow_source(root / "table.parquet")) as file:
        assert file.read(["step"])["step"].to_pylist() == [1, 2, 3]


def test_a_folder_that_is_counted_while_files_go_from_it_is_no_error(tmp_path):
    """As ``runs list`` does beside a running sweep."""
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            (tmp_path / "x.partial").write_bytes(bytes(10))
            (tmp_path / "folder").mkdir()
            (tmp_path / "x.partial").unlink()
            (tmp_path / "folder").rmdir()

    writer = threading.Thread(target=come_and_go)
    writer.start()
    try:
        assert max(size_of(tmp_path) for _ in range(2000)) <= 10
    finally:
        ended.set()
        writer.join()


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path):
    filled(tmp_path, "data/file")
    os.symlink(tmp_path / "data", tmp_path / "link")
    remove(tmp_path / "link")
    assert not (tmp_path / "link").exists()
    assert (tmp_path / "data/file").is_file()
