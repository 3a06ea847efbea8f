"""Rules for Kubernetes files: KubeRay's RayJob and RayCluster, version ray.io/v1."""

import contextlib
import io
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from raygroup.cluster.images import wrong_image
from raygroup.cluster.keys import Row, unknown_keys, wrong_resources
from raygroup.cluster.kubernetes_keys import CLUSTER, JOB, TOP
from raygroup.runtime.planning.cluster_file import STORAGE, ClusterFile, containers, listed, mapping, spec_of, storage_fault

_LONGEST_IDLE_S = 3600
_SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|ACCESS_KEY")


def rules(found: ClusterFile, flags: ArgumentParser) -> Iterator[Row]:
    """``flags`` are those of the sweep command, which an entrypoint may use."""
    content, spec = found.content, spec_of(found.content)
    job = content.get("kind") == "RayJob"
    base = "spec.rayClusterSpec" if job else "spec"
    yield from unknown_keys(content, TOP | {"spec": JOB if job else CLUSTER})
    if spec.get("rayVersion") != version("ray"):
        yield Row(f"{base}.rayVersion", f"{spec.get('rayVersion')!r}, but this machine has {version('ray')}", f'"{version("ray")}"')
    if mapping(spec.get("authOptions")).get("mode") != "token":
        problem = "the head is unprotected: whoever reaches it runs code"
        yield Row(f"{base}.authOptions.mode", problem, "token")
    head = mapping(spec.get("headGroupSpec"))
    yield from _head(head, f"{base}.headGroupSpec", any(node.head and node.spot for node in found.node_types))
    yield from _pod(head, f"{base}.headGroupSpec")
    for number, group in enumerate(listed(spec.get("workerGroupSpecs"))):
        yield from _group(mapping(group), f"{base}.workerGroupSpecs[{number}]")
    yield from _scaling(spec, base)
    yield from _storage(found, job)
    if job:
        yield from _entrypoint(content, flags)
        yield from _environment(content)


def _head(head: dict[str, Any], at: str, spot: bool) -> Iterator[Row]:
    params = mapping(head.get("rayStartParams"))
    if str(params.get("num-cpus", "")) != "0":
        yield Row(f"{at}.rayStartParams.num-cpus", "the head would train, and with it everything would end", '"0"')
    if "driver" not in str(params.get("resources", "")):
        problem = "nothing for drivers to take: they would take the CPUs of workers, or start on other nodes"
        yield Row(f"{at}.rayStartParams.resources", problem, '\'"{\\"driver\\": 32}"\'')
    if spot:
        problem = "a head that is taken back, and with it the cluster"
        yield Row(f"{at}.template.spec.nodeSelector", problem, "machines on demand, such as {karpenter.sh/capacity-type: on-demand}")
    limits = mapping(mapping((containers(head) or [{}])[0].get("resources")).get("limits"))
    if str(limits.get("nvidia.com/gpu", 0)) not in ("0", ""):
        yield Row(f"{at}.template.spec.containers[0].resources.limits", "a GPU for a head that trains nothing", "none")


def _group(group: dict[str, Any], at: str) -> Iterator[Row]:
    yield from _pod(group, at)
    for name in ("replicas", "minReplicas", "maxReplicas"):
        if not isinstance(group.get(name, 0), int):
            yield Row(f"{at}.{name}", f"{group[name]!r} is no whole number", "how many pods, 0 or more")
    fewest, most = group.get("minReplicas", 0), group.get("maxReplicas", 0)
    if isinstance(fewest, int) and isinstance(most, int) and fewest > most:
        yield Row(f"{at}.minReplicas", f"{fewest} is more than maxReplicas, {most}", f"at most {most}")


def _pod(group: dict[str, Any], at: str) -> Iterator[Row]:
    found = containers(group)
    for name, value in mapping(group.get("rayStartParams")).items():
        if not isinstance(value, str):
            yield Row(f"{at}.rayStartParams.{name}", f"{value!r} is no text, and Kubernetes refuses it", f'"{str(value).lower()}"')
    if not found:
        yield Row(f"{at}.template.spec.containers", "no container", "one that runs Ray")
        return
    pod, first = f"{at}.template.spec.containers[0]", found[0]
    image = str(first.get("image", ""))
    yield from wrong_image(image, f"{pod}.image")
    if re.match(r"(docker\.io/)?rayproject/", image):
        yield Row(f"{pod}.image", "Ray's own image holds no raygroup, and nothing installs it", f"FROM {image}, RUN pip install raygroup")
    limits = mapping(mapping(first.get("resources")).get("limits"))
    if not {"cpu", "memory"} <= set(limits):
        yield Row(f"{pod}.resources.limits", "no limit of cpu or memory: Ray would count the whole node's", "cpu and memory")
    yield from wrong_resources({name: 1 for name in limits if re.fullmatch(r"[A-Za-z]?[Gg][Pp][Uu]s?", name)}, f"{pod}.resources.limits")
    if not any(mapping(mount).get("mountPath") == "/dev/shm" for mount in listed(first.get("volumeMounts"))):
        problem = "64 MB of shared memory: Ray's object store would lie on the disk"
        yield Row(f"{pod}.volumeMounts", problem, "an emptyDir of medium Memory at /dev/shm")
    for number, entry in enumerate(listed(first.get("env"))):
        if _SECRET.search(str(mapping(entry).get("name", ""))) and str(mapping(entry).get("value", "")) and "PATH" not in entry["name"]:
            yield Row(
                f"{pod}.env[{number}]", f"a secret in the file: {entry['name']}", "valueFrom: {secretKeyRef: ...}, or a service account"
            )


def _scaling(spec: dict[str, Any], base: str) -> Iterator[Row]:
    if not spec.get("enableInTreeAutoscaling"):
        yield Row(f"{base}.enableInTreeAutoscaling", "nodes would be neither started nor ended", "true")
        return
    at, idle = f"{base}.autoscalerOptions.idleTimeoutSeconds", mapping(spec.get("autoscalerOptions")).get("idleTimeoutSeconds")
    if not isinstance(idle, int) or not 0 < idle < _LONGEST_IDLE_S:
        said = "not said" if idle is None else f"{idle!r}"
        yield Row(at, f"{said}: machines that do nothing would go on costing", f"less than {_LONGEST_IDLE_S}, such as 300")


def _storage(found: ClusterFile, job: bool) -> Iterator[Row]:
    at, path = f"metadata.annotations.{STORAGE}", found.storage_path
    entry = str(mapping(found.content.get("spec")).get("entrypoint", ""))
    named = re.search(r"--storage-path[= ](\S+)", entry)
    if not path and not named:
        yield Row(
            at, "no shared storage path: results would go with their pods", "s3://..., or the mountPath of a volume that all pods mount"
        )
        return
    if job and named and path and named[1] != path:
        yield Row("spec.entrypoint", f"--storage-path {named[1]}, but {STORAGE} says {path}", "the same in both")
    where = str(path or (named[1] if named else ""))
    fault = storage_fault(where)
    if fault:
        yield Row(at, fault, "s3://...")
    if "://" in where:
        return
    for group in (mapping(spec_of(found.content).get("headGroupSpec")), *listed(spec_of(found.content).get("workerGroupSpecs"))):
        mounts = [str(mapping(mount).get("mountPath")) for mount in listed((containers(group) or [{}])[0].get("volumeMounts"))]
        if not any(where == mount or where.startswith(mount.rstrip("/") + "/") for mount in mounts):
            yield Row(
                at, f"{where} is no volume of {group.get('groupName', 'the head')}: it would be another folder in every pod", "s3://..."
            )


def _entrypoint(content: dict[str, Any], flags: ArgumentParser) -> Iterator[Row]:
    """What the command would say to its flags."""
    at, entry = "spec.entrypoint", str(mapping(content.get("spec")).get("entrypoint", ""))
    match = re.search(r"python3?(?:\.\d+)? -m raygroup\.sweep\b(.*)", entry)
    if not match:
        return
    said = io.StringIO()
    try:
        words = shlex.split(match[1])
        with contextlib.redirect_stderr(said):
            _, unknown = flags.parse_known_args(words)
    except ValueError as error:
        yield Row(at, f"no shell could read it: {error}", "each quotation mark with its other one")
        return
    except SystemExit:
        yield Row(at, said.getvalue().strip().splitlines()[-1], "see python -m raygroup.sweep --help")
        return
    for flag in [word for word in unknown if word.startswith("-")]:
        yield Row(
            at, f"no flag {flag}", "the same command goes on by itself" if flag == "--resume" else "see python -m raygroup.sweep --help"
        )
    if not any(word.startswith("--address") for word in words):
        yield Row(at, "without --address the sweep would start a Ray of its own in the head's pod", "--address auto")
    if not any(word.startswith("--storage-path") for word in words):
        yield Row(at, "without --storage-path results would go with the pod", "--storage-path s3://...")


def _environment(content: dict[str, Any]) -> Iterator[Row]:
    """Of the job: KubeRay hands it on as text, which the dashboard shows."""
    for line in str(mapping(content.get("spec")).get("runtimeEnvYAML") or "").splitlines():
        name, _, value = line.partition(":")
        if _SECRET.search(name) and "PATH" not in name and value.strip():
            yield Row("spec.runtimeEnvYAML", f"a secret in the file: {name.strip()}", "a Secret in the pods' env, or a service account")
