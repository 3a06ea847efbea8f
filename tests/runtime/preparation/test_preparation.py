"""Words and features are prepared in processes that may be killed."""

from tiny_sweep import space
from worker_kills import killing_workers

from raygroup import sweep


def test_a_killed_process_of_the_preparation_is_replaced_and_too_many_kills_end_the_sweep_with_one_line(tmp_path, capsys):
    arguments = [space(tmp_path, grid="{}", steps=2), "--local", "--storage-path", str(tmp_path / "runs")]
    with killing_workers():
        assert sweep.main(arguments) == 3
    *_, last_line = capsys.readouterr().err.splitlines()
    assert "4 worker processes in a row died at the same work: its process ended by SIGKILL (out of memory?)" in last_line
    with killing_workers(most=1):
        assert sweep.main(arguments) == 0
    assert capsys.readouterr().err.splitlines() == [
        "raygroup: its process ended by SIGKILL (out of memory?); another process takes over its work"
    ]
