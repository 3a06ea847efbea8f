"""Check a cluster file before it is used.

The check finds what would fail, cost money or leak.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from raygroup.cluster.rules.aws_keys import knows_ec2
from raygroup.cluster.rules.command_inputs import InputCheck
from raygroup.cluster.rules.commands import Command, ParserOf, check_command, find_commands
from raygroup.cluster.rules.keys import closest_name
from raygroup.cluster.rules.kubernetes_rules import check_kubernetes
from raygroup.cluster.rules.placeholders import check_placeholders
from raygroup.cluster.rules.ray_up_rules import check_ray_up
from raygroup.runtime.planning.clusters.cluster_file import AWS, KUBERNETES, LOCAL, ClusterFile, inspect_cluster_file
from raygroup.runtime.planning.clusters.cluster_values import PRICES
from raygroup.runtime.planning.clusters.node_types import as_mapping
from raygroup.runtime.planning.clusters.yaml_documents import short
from raygroup.runtime.planning.finding import Finding

_WITHOUT_BOTO3 = (
    "not checked, because boto3 is not installed: the names, types and values of EC2 below node_config (pip install 'raygroup[aws]')"
)


@dataclass(frozen=True)
class CheckResult:
    """The result of checking a cluster file."""

    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]
    """Rules that were skipped, and what this machine cannot know. They are no problems."""


def check_cluster_file(path: Path, parser_of: ParserOf, names: Sequence[str]) -> CheckResult:
    """Return every problem of a cluster file, by line.

    ``parser_of`` returns the parser of a raygroup command that the file starts, and ``names`` are
    those of all commands. Raises ConfigError if the file is not a cluster file.
    """
    cluster = inspect_cluster_file(path)
    inputs = InputCheck(cluster)
    findings = [*_check_commands(cluster, inputs, parser_of, names)]
    findings += check_kubernetes(cluster) if cluster.kind == KUBERNETES else check_ray_up(cluster)
    findings += [*_check_prices(cluster), *_check_workers(cluster)]
    unfit = [*cluster.faults, *check_placeholders(cluster)]
    # A placeholder or a value of the wrong type is one problem. What other rules say of it would be noise.
    places = {finding.path for finding in unfit}
    findings = [*unfit, *(finding for finding in findings if finding.path not in places)]
    skipped = [_WITHOUT_BOTO3] if cluster.kind == AWS and not knows_ec2() else []
    placed = [replace(finding, line=cluster.document.line_of(finding.path)) for finding in dict.fromkeys(findings)]
    return CheckResult(tuple(sorted(placed, key=lambda finding: finding.line)), tuple(dict.fromkeys([*skipped, *inputs.remarks])))


def _check_commands(cluster: ClusterFile, inputs: InputCheck, parser_of: ParserOf, names: Sequence[str]) -> Iterator[Finding]:
    """Check every raygroup command of the file: its flags, its search space and what it reads."""
    commands, unreadable = find_commands(cluster)
    yield from unreadable
    for command in commands:
        options, findings = check_command(command, parser_of, names)
        yield from findings
        if options is not None:
            yield from inputs.check(command.at, command.name, options)
            if command.name == "sweep" and command.at == "spec.entrypoint":
                yield from _check_entrypoint(command)
    yield from _check_retries(cluster, commands)


def _check_retries(cluster: ClusterFile, commands: Sequence[Command]) -> Iterator[Finding]:
    """Check that KubeRay does not retry a sweep with bad input."""
    names = {command.name for command in commands if command.at == "spec.entrypoint"}
    retries = as_mapping(cluster.content.get("spec")).get("backoffLimit")
    if "sweep" in names and "cluster" not in names and retries:
        problem = f"KubeRay would retry bad input {short(retries)} times, each time on a new cluster"
        yield Finding("spec.entrypoint", problem, "python -m raygroup.cluster job python -m raygroup.sweep ...")


def _check_entrypoint(command: Command) -> Iterator[Finding]:
    if not any(word.startswith("--address") for word in command.words):
        yield Finding(command.at, "without --address, the sweep would start its own Ray in the head's pod", "--address auto")
    if not any(word.startswith("--storage-path") for word in command.words):
        yield Finding(command.at, "without --storage-path, results would be lost with the pod", "--storage-path s3://...")


def _check_prices(cluster: ClusterFile) -> Iterator[Finding]:
    names = [node.name for node in cluster.node_types]
    if cluster.kind == KUBERNETES:
        at = f"metadata.annotations.{PRICES}"
    else:
        at = "metadata.usd_per_hour"
        for name in as_mapping(as_mapping(cluster.content.get("metadata")).get("usd_per_hour")):
            if name not in names:
                yield Finding(f"{at}.{name}", "no node type has this name", closest_name(name, dict.fromkeys(names)))
    unpriced = ", ".join(node.name for node in cluster.node_types if node.usd_per_hour is None)
    if unpriced:
        problem = f"no price for {unpriced}: a sweep cannot be priced, and --budget cannot be checked"
        yield Finding(at, problem, "a price in dollars per hour for each")


def _check_workers(cluster: ClusterFile) -> Iterator[Finding]:
    """Check that some node trains, that not all are spot, and that spot nodes start first."""
    on_kubernetes = cluster.kind == KUBERNETES
    at = {AWS: "available_node_types", LOCAL: "provider.worker_ips"}.get(cluster.kind, "spec.rayClusterSpec.workerGroupSpecs")
    on_demand = max((node.priority for node in cluster.workers if not node.spot), default=None)
    for number, node in enumerate(cluster.workers):
        if node.spot and on_demand is not None and node.priority <= on_demand:
            path = f"{at}[{number}].priority" if on_kubernetes else f"{at}.{node.name}.priority"
            problem = f"{node.priority} is not above the priority of on-demand nodes ({on_demand}), so Ray would start both kinds alike"
            yield Finding(path, problem, f"{on_demand + 1}" + (" (KubeRay 1.7 or newer)" if on_kubernetes else ""))
    if not any(node.max_workers for node in cluster.workers):
        yield Finding(at, "no node trains, because the head does not", "a node type with a GPU, and max_workers")
    elif all(node.spot for node in cluster.workers):
        problem = "all node types are spot: a sweep stands still while no spot instance is available"
        yield Finding(at, problem, "a second node type, on demand, with fewer nodes")
