import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raygroup.errors import ConfigError
from raygroup.scoring.predictions import SCHEMA, read_predictions, score_predictions, write_predictions

WORDS = {
    "split": ["new", "new", "unseen", "unseen"],
    "task": ["la", "ko", "ko", None],
    "text": ["word", "한국", "서울", "abc"],
    "reading": ["word", "한구", "", "abc"],
    "reading_by_true_task": ["word", "한국", "서울", None],
    "routed_task": ["la", "ja", "la", "la"],
    "head": [0, 2, 0, 0],
    "confidence": [1.0, 0.5, 0.25, 0.75],
    "image": [b"png", None, None, None],
    "nll": [0.5, 0.25, None, None],
    "nll_by_head": [[0.5, 2.0, 1.0], [1.0, 4.0, 0.25], None, [0.125, 3.0, 2.0]],
}


def test_words_are_read_back_as_written(tmp_path):
    write_predictions(tmp_path / "predictions.parquet", WORDS)
    assert read_predictions(tmp_path / "predictions.parquet").to_pydict() == WORDS
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.parquet"]


def test_routing_by_the_true_task_flatters(tmp_path):
    write_predictions(tmp_path / "p", WORDS)
    words = read_predictions(tmp_path / "p")
    by_classifier, by_truth = (score_predictions(words, "new", routing) for routing in ("classifier", "true task"))
    assert (by_classifier.mean.accuracy, by_truth.mean.accuracy) == (0.5, 1)
    assert by_classifier.by_task["ko"].one_minus_ned == 0.5
    assert list(by_classifier.by_task) == ["ko", "la"]


def test_a_word_without_a_task_counts_in_all_and_not_when_routed_by_the_truth(tmp_path):
    write_predictions(tmp_path / "p", WORDS)
    words = read_predictions(tmp_path / "p")
    assert score_predictions(words, "unseen").all.num_words == 2
    assert score_predictions(words, "unseen", "true task").all.num_words == 1


def test_an_unknown_split_is_refused_before_writing(tmp_path):
    with pytest.raises(ValueError, match=r"'test'.*train, new, unseen"):
        write_predictions(tmp_path / "p", {**WORDS, "split": ["new", "new", "new", "test"]})
    assert not list(tmp_path.iterdir())


def test_predictions_of_the_first_layout_have_no_losses(tmp_path):
    older = pa.schema([field for field in SCHEMA if not field.name.startswith("nll")], {b"raygroup": b"1"})
    pq.write_table(pa.table({name: WORDS[name] for name in older.names}, schema=older), tmp_path / "p")
    assert read_predictions(tmp_path / "p").to_pydict() == {**WORDS, "nll": [None] * 4, "nll_by_head": [None] * 4}
    assert read_predictions(tmp_path / "p", ["nll", "text"]).to_pydict() == {"nll": [None] * 4, "text": WORDS["text"]}


def test_losses_may_be_left_out(tmp_path):
    write_predictions(tmp_path / "p", {name: values for name, values in WORDS.items() if not name.startswith("nll")})
    assert read_predictions(tmp_path / "p", ["nll", "nll_by_head"]).to_pydict() == {"nll": [None] * 4, "nll_by_head": [None] * 4}


def test_a_file_of_another_layout_is_refused(tmp_path):
    pq.write_table(pa.table(WORDS, schema=SCHEMA.with_metadata({b"raygroup": b"9"})), tmp_path / "p")
    with pytest.raises(ConfigError, match="predictions of layout 9, this raygroup reads 1 and 2"):
        read_predictions(tmp_path / "p")


def test_a_file_that_is_not_parquet_is_named(tmp_path):
    (tmp_path / "p").write_bytes(b"not parquet at all")
    with pytest.raises(ConfigError, match=f"{tmp_path}/p: not readable predictions"):
        read_predictions(tmp_path / "p")
