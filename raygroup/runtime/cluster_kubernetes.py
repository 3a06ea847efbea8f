"""Rules for Kubernetes files: KubeRay's RayJob and RayCluster, version ray.io/v1."""

import contextlib
import io
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from raygroup.runtime.cluster_file import STORAGE, ClusterFile, containers, listed, mapping, spec_of
from raygroup.runtime.cluster_keys import ANY, Row, unknown_keys, wrong_resources

_CONTAINER = dict.fromkeys(
    ("name", "image", "imagePullPolicy", "command", "args", "env", "envFrom", "ports", "resources", "volumeMounts", "lifecycle",
     "livenessProbe", "readinessProbe", "startupProbe", "securityContext", "workingDir", "stdin", "tty"),
    ANY,
)  # fmt: skip
_POD = dict.fromkeys(
    ("serviceAccountName", "nodeSelector", "tolerations", "affinity", "volumes", "initContainers", "imagePullSecrets", "priorityClassName",
     "runtimeClassName", "schedulerName", "securityContext", "terminationGracePeriodSeconds", "topologySpreadConstraints", "hostNetwork",
     "restartPolicy", "automountServiceAccountToken", "dnsPolicy", "dnsConfig", "shareProcessNamespace"),
    ANY,
) | {"containers": [_CONTAINER]}  # fmt: skip
_TEMPLATE = {"metadata": ANY, "spec": _POD}
_CLUSTER = {
    **dict.fromkeys(
        ("rayVersion", "enableInTreeAutoscaling", "suspend", "headServiceAnnotations", "managedBy", "gcsFaultToleranceOptions")
    ),
    "authOptions": {"mode": ANY, "secretName": ANY, "enableK8sTokenAuth": ANY},
    "autoscalerOptions": dict.fromkeys(
        ("version", "idleTimeoutSeconds", "upscalingMode", "resources", "image", "imagePullPolicy", "env", "envFrom", "securityContext",
         "volumeMounts")
    ),
    "headGroupSpec": {"rayStartParams": ANY, "template": _TEMPLATE, "serviceType": ANY, "headService": ANY, "enableIngress": ANY,
                      "resources": ANY, "labels": ANY},
    "workerGroupSpecs": [
        {**dict.fromkeys(("groupName", "replicas", "minReplicas", "maxReplicas", "numOfHosts", "idleTimeoutSeconds", "suspend",
                          "rayStartParams", "scaleStrategy", "resources", "labels")), "template": _TEMPLATE}
    ],
}  # fmt: skip
_METADATA = dict.fromkeys(("name", "namespace", "labels", "annotations", "generateName", "finalizers"))
_TOP = {"apiVersion": ANY, "kind": ANY, "metadata": _METADATA}
_JOB = dict.fromkeys(
    ("entrypoint", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit", "runtimeEnvYAML",
     "jobId", "metadata", "submissionMode", "suspend", "submitterPodTemplate", "submitterConfig", "entrypointNumCpus",
     "entrypointNumGpus", "entrypointResources", "deletionStrategy", "managedBy", "clusterSelector", "preRunningDeadlineSeconds"),
    ANY,
) | {"rayClusterSpec": _CLUSTER}  # fmt: skip
_SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|ACCESS_KEY")


def rules(found: ClusterFile, flags: ArgumentParser) -> Iterator[Row]:
    """``flags`` are those of the sweep command, which an entrypoint may use."""
    content, spec = found.content, spec_of(found.content)
    job = content.get("kind") == "RayJob"
    base = "spec.rayClusterSpec" if job else "spec"
    yield from unknown_keys(content, _TOP | {"spec": _JOB if job else _CLUSTER})
    if spec.get("rayVersion") != version("ray"):
        yield Row(f"{base}.rayVersion", f"{spec.get('rayVersion')!r}, but this machine has {version('ray')}", f'"{version("ray")}"')
    if mapping(spec.get("authOptions")).get("mode") != "token":
        problem = "the head is unprotected: whoever reaches it runs code"
        yield Row(f"{base}.authOptions.mode", problem, "token (KubeRay 1.5.1 or newer)")
    head = mapping(spec.get("headGroupSpec"))
    yield from _head(head, f"{base}.headGroupSpec")
    yield from _pod(head, f"{base}.headGroupSpec")
    for number, group in enumerate(listed(spec.get("workerGroupSpecs"))):
        yield from _group(mapping(group), f"{base}.workerGroupSpecs[{number}]")
    yield from _scaling(spec, base)
    yield from _storage(found, job)
    if job:
        yield from _entrypoint(content, flags)


def _head(head: dict[str, Any], at: str) -> Iterator[Row]:
    params = mapping(head.get("rayStartParams"))
    if str(params.get("num-cpus", "")) != "0":
        yield Row(f"{at}.rayStartParams.num-cpus", "the head would train, and with it everything would end", '"0"')
    if "driver" not in str(params.get("resources", "")):
        problem = "nothing for drivers to take: they would take the CPUs of workers, or start on other nodes"
        yield Row(f"{at}.rayStartParams.resources", problem, '\'"{\\"driver\\": 32}"\'')
    limits = mapping(mapping((containers(head) or [{}])[0].get("resources")).get("limits"))
    if str(limits.get("nvidia.com/gpu", 0)) not in ("0", ""):
        yield Row(f"{at}.template.spec.containers[0].resources.limits", "a GPU for a head that trains nothing", "none")


def _group(group: dict[str, Any], at: str) -> Iterator[Row]:
    yield from _pod(group, at)
    fewest, most = group.get("minReplicas", 0), group.get("maxReplicas", 0)
    if isinstance(fewest, int) and isinstance(most, int) and fewest > most:
        yield Row(f"{at}.minReplicas", f"{fewest} is more than maxReplicas, {most}", f"at most {most}")


def _pod(group: dict[str, Any], at: str) -> Iterator[Row]:
    from raygroup.runtime.cluster_check import wrong_image

    found = containers(group)
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
    elif not mapping(spec.get("autoscalerOptions")).get("idleTimeoutSeconds"):
        yield Row(f"{base}.autoscalerOptions.idleTimeoutSeconds", "not said: when machines that do nothing are ended", "300")


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
    words, said = shlex.split(match[1]), io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            _, unknown = flags.parse_known_args(words)
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
