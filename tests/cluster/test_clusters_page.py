"""Every command of docs/clusters.md runs, on moto or with --dry-run, or is parsed by the parser of its own program."""

import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from busy_storage import uploaded, write_busy
from cluster_files import FILES, filled_text, write_filled

from raygroup.__main__ import command_module
from raygroup.errors import ConfigError
from raygroup.files.places import place

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
COMMANDS = list(
    dict.fromkeys(
        line.partition(" #")[0].strip()
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
        if line.strip()
    )
)
ONLY_PARSED = {
    "pip": "installs packages",
    "ray up": "needs machines; test_aws.py and test_schemas.py hand the file to Ray's launcher",
    "ray exec": "needs a head; the command that it runs there is parsed too",
    "ray attach": "needs a head",
    "ray down": "needs a cluster",
    "chmod": "would change a file in the home folder",
    "ray get-auth-token": "would write a token into the home folder",
    "kubectl apply": "needs Kubernetes", "kubectl get": "needs Kubernetes", "kubectl logs": "needs Kubernetes",
    "kubectl replace": "needs Kubernetes",
}  # fmt: skip
"""Start of a command -> why it is only parsed. raygroup's own commands all run."""
RUN = [command for command in COMMANDS if command.startswith("python -m raygroup.")]
PARSED = [command for command in COMMANDS if command not in RUN]
KUBECTL = {"apply": {"-f"}, "get": set(), "logs": {"-f", "-l"}, "replace": {"--force", "-f"}}
"""Verb of kubectl -> the flags of it that the page uses. kubectl is no Python program, so they are listed by hand."""


def test_a_command_that_is_only_parsed_is_named_with_its_reason():
    assert RUN
    starts = {command: next((start for start in ONLY_PARSED if command.startswith(f"{start} ")), None) for command in PARSED}
    assert None not in starts.values(), starts
    assert set(starts.values()) == set(ONLY_PARSED), "a reason without a command"


def parse_raygroup(words):
    """Parse a raygroup command with its own parser, which exits on a flag that does not exist."""
    assert words[1:2] == ["-m"], words
    command_module(words[2].removeprefix("raygroup.")).build_parser().parse_args(words[3:])


def parse_ray(words):
    """Parse a command of ray with Ray's own parser. Nothing runs."""
    from ray.scripts.scripts import cli

    command = cli.commands[words[0]]
    return command.make_context(words[0], words[1:]).params


@pytest.mark.parametrize("command", PARSED)
def test_a_command_of_another_program_has_the_flags_it_uses(command):
    program, *words = shlex.split(command)
    if program == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert words[0] == "install"
        assert re.fullmatch(r"\.\[(\w+)\]", words[1])[1] in extras
    elif program == "ray":
        options = parse_ray(words)
        if words[0] != "get-auth-token":
            assert (ROOT / options["cluster_config_file"]).is_file()
        if words[0] == "exec":
            parse_raygroup(shlex.split(options["cmd"]))
    elif program == "chmod":
        assert re.fullmatch("[0-7]{3}", words[0])
    else:
        assert program == "kubectl"
        assert {word for word in words[1:] if word.startswith("-")} <= KUBECTL[words[0]]
        assert all((ROOT / word).is_file() for word in words if word.endswith(".yaml"))


def test_the_parsers_refuse_a_flag_that_does_not_exist():
    import click

    with pytest.raises(click.exceptions.NoSuchOption):
        parse_ray(["up", "cluster/config.yaml", "--dry-run"])
    with pytest.raises(ConfigError, match="unrecognized arguments: --adress auto"):
        parse_raygroup(["python", "-m", "raygroup.sweep", "table3", "--adress", "auto"])


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with the files of ``cluster/``, filled in as the page says."""
    (tmp_path / "cluster").mkdir()
    for kind in FILES:
        write_filled(kind, tmp_path / "cluster")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command, **replaced):
    for old, new in replaced.items():
        command = command.replace(old, new)
    words = shlex.split(command)
    parse_raygroup(words)
    name = words[2].removeprefix("raygroup.")
    return import_module(f"raygroup.{name}.__main__" if (ROOT / "raygroup" / name).is_dir() else words[2]).main(words[3:])


@pytest.mark.parametrize("command", [command for command in RUN if " check " in command or "--dry-run" in command])
def test_a_command_that_starts_nothing_runs_as_it_stands(command, checkout, capsys):
    assert run(command) == 0, capsys.readouterr()
    output = capsys.readouterr()
    assert "no problem found" in output.out or "GPU" in output.out
    assert not output.err
    assert not (checkout / "runs").exists()


@pytest.mark.parametrize("command", [command for command in RUN if " prepare " in command])
def test_the_account_is_prepared_on_moto(command, monkeypatch, capsys):
    moto = pytest.importorskip("moto", reason="needs the extra raygroup[dev]")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with moto.mock_aws():
        assert run(command) == 0, capsys.readouterr()
    printed = capsys.readouterr().out
    assert re.search(r"SecurityGroupIds: \[sg-\w+\]", printed)
    shipped = FILES["aws"].read_text()
    for line in re.findall(r"IamInstanceProfile: .*|region: .*|cluster_name: .*", printed):
        assert line in shipped, "the file names what prepare makes"


@pytest.mark.parametrize("command", [command for command in RUN if "raygroup.runs" in command])
def test_the_laptop_reads_and_stops_a_sweep_in_a_bucket(command, checkout, bucket, capsys):
    write_busy(checkout / "made")
    storage = uploaded(checkout / "made", place(f"{bucket}/raygroup"))
    # --watch goes on until the sweep ends, and this one never does.
    exit_code = run(command, **{"s3://my-bucket/raygroup": str(storage), "quickstart_seeds": "half", " --watch": ""})
    assert exit_code in (0, 3), capsys.readouterr()
    assert not capsys.readouterr().err.startswith("usage")


def test_every_command_that_runs_has_a_test_here():
    tested = [command for command in RUN if re.search(r" check | prepare |--dry-run|raygroup\.runs", command)]
    assert tested == RUN


def test_the_page_names_every_placeholder_where_a_user_meets_it():
    for word in ("MY-BUCKET", "SG-ID", "SHARED", "HEAD-IP", "WORKER-1-IP"):
        assert f"`{word}`" in PAGE


def test_three_workers_as_on_the_page_pass_the_check(checkout, capsys):
    text = filled_text("local").replace("[10.0.0.11, 10.0.0.12]", "[10.0.0.11, 10.0.0.12, 10.0.0.13]")
    (checkout / "cluster" / "local.yaml").write_text(text.replace("max_workers: 2", "max_workers: 3"))
    assert run("python -m raygroup.cluster check cluster/local.yaml") == 0, capsys.readouterr()
