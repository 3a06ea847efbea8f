import json
from collections import Counter

from raygroup.words.importing.report import Report, Tally


def test_a_report_names_five_words_of_each_reason_and_counts_the_rest():
    tally = Tally("mine", num_kept=10)
    tally.drop("image missing", range(7), lambda row: f"labels.csv:{row}")
    tally.drop("no text", [9], lambda row: f"labels.csv:{row}")
    tally.changed["brought to NFC"] = 2
    tally.notes.append("a note")
    assert tally.report().lines() == [
        "mine: 10 words kept, 8 dropped",
        "  7 dropped, image missing: labels.csv:0, labels.csv:1, labels.csv:2, labels.csv:3, labels.csv:4, and 2 more",
        "  1 dropped, no text: labels.csv:9",
        "  2 labels normalised: brought to NFC",
        "  a note",
    ]


def test_characters_of_no_task_are_listed_by_source_with_their_code_points():
    tally = Tally("mine")
    tally.unspelled["web"] = Counter({"☃": 3, " ": 1})
    assert tally.report().lines()[1] == "  web: characters of no task: ☃ U+2603 x3, U+0020 x1"


def test_a_report_survives_json():
    tally = Tally("mine", num_kept=10)
    tally.drop("image missing", range(7), lambda row: f"labels.csv:{row}")
    tally.unspelled["web"] = Counter({"☃": 3})
    tally.changed["brought to NFC"] = 2
    tally.notes.append("a note")
    report = tally.report()
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
    assert Report.from_json(Tally("empty").report().to_json()) == Tally("empty").report()
