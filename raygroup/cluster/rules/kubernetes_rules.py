"""Rules for Kubernetes files: KubeRay's RayJob and RayCluster, version ray.io/v1."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from raygroup.cluster.rules.images import check_image
from raygroup.cluster.rules.keys import check_keys, check_resources
from raygroup.cluster.rules.kubernetes_keys import CLUSTER, JOB, TOP
from raygroup.runtime.planning.clusters.cluster_file import ClusterFile, storage_path_error
from raygroup.runtime.planning.clusters.cluster_values import STORAGE
from raygroup.runtime.planning.clusters.node_types import as_list, as_mapping, pod_containers, ray_cluster_spec
from raygroup.runtime.planning.finding import Finding

_MAX_IDLE_S = 3600
_SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|ACCESS_KEY")


def check_kubernetes(cluster: ClusterFile) -> Iterator[Finding]:
    """Yield what is wrong with a Kubernetes file."""
    content, spec = cluster.content, ray_cluster_spec(cluster.content)
    is_job = content.get("kind") == "RayJob"
    base = "spec.rayClusterSpec" if is_job else "spec"
    yield from check_keys(content, TOP | {"spec": JOB if is_job else CLUSTER})
    if spec.get("rayVersion") != version("ray"):
        problem = f"{spec.get('rayVersion')!r}, but this machine has {version('ray')}: they must match"
        yield Finding(f"{base}.rayVersion", problem, f'"{version("ray")}"')
    if as_mapping(spec.get("authOptions")).get("mode") != "token":
        yield Finding(f"{base}.authOptions.mode", "the head is unprotected: anyone who reaches it can run code", "token")
    head = as_mapping(spec.get("headGroupSpec"))
    yield from _check_head(head, f"{base}.headGroupSpec", any(node.head and node.spot for node in cluster.node_types))
    yield from _check_pod(head, f"{base}.headGroupSpec")
    for number, group in enumerate(as_list(spec.get("workerGroupSpecs"))):
        yield from _check_group(as_mapping(group), f"{base}.workerGroupSpecs[{number}]")
    yield from _check_autoscaling(spec, base)
    yield from _check_storage(cluster, is_job)
    if is_job:
        yield from _check_runtime_environment(content)


def _check_head(head: dict[str, Any], at: str, is_spot: bool) -> Iterator[Finding]:
    parameters = as_mapping(head.get("rayStartParams"))
    if str(parameters.get("num-cpus", "")) != "0":
        problem = "the head would train, and a crash there would end the whole cluster"
        yield Finding(f"{at}.rayStartParams.num-cpus", problem, '"0"')
    if "driver" not in str(parameters.get("resources", "")):
        problem = "the head offers no resource for drivers: they would take CPUs of workers, or start on other nodes"
        yield Finding(f"{at}.rayStartParams.resources", problem, '\'"{\\"driver\\": 32}"\'')
    if is_spot:
        problem = "a spot node can be taken back, and the cluster ends with its head"
        yield Finding(f"{at}.template.spec.nodeSelector", problem, "on-demand nodes, such as {karpenter.sh/capacity-type: on-demand}")
    limits = as_mapping(as_mapping((pod_containers(head) or [{}])[0].get("resources")).get("limits"))
    if str(limits.get("nvidia.com/gpu", 0)) not in ("0", ""):
        yield Finding(f"{at}.template.spec.containers[0].resources.limits", "the head trains nothing, so its GPU would be idle", "no GPU")


def _check_group(group: dict[str, Any], at: str) -> Iterator[Finding]:
    yield from _check_pod(group, at)
    fewest, most = group.get("minReplicas", 0), group.get("maxReplicas", 0)
    if isinstance(fewest, int) and isinstance(most, int) and fewest > most:
        yield Finding(f"{at}.minReplicas", f"{fewest} is more than maxReplicas ({most})", f"at most {most}")


def _check_pod(group: dict[str, Any], at: str) -> Iterator[Finding]:
    for name, value in as_mapping(group.get("rayStartParams")).items():
        if not isinstance(value, str):
            yield Finding(f"{at}.rayStartParams.{name}", f"{value!r} is not a string, so Kubernetes refuses it", f'"{str(value).lower()}"')
    if not pod_containers(group):
        yield Finding(f"{at}.template.spec.containers", "no container is given", "a container that runs Ray")
        return
    # KubeRay starts Ray in the first container.
    pod, container = f"{at}.template.spec.containers[0]", pod_containers(group)[0]
    image = str(container.get("image", ""))
    yield from check_image(image, f"{pod}.image")
    if re.match(r"(docker\.io/)?rayproject/", image):
        problem = "Ray's own image does not contain raygroup, and nothing installs it"
        yield Finding(f"{pod}.image", problem, f"FROM {image}, RUN pip install raygroup")
    limits = as_mapping(as_mapping(container.get("resources")).get("limits"))
    if not {"cpu", "memory"} <= set(limits):
        problem = "without limits of cpu and memory, Ray counts those of the whole node"
        yield Finding(f"{pod}.resources.limits", problem, "limits of cpu and memory")
    yield from check_resources([name for name in limits if re.fullmatch(r"[A-Za-z]?[Gg][Pp][Uu]s?", name)], f"{pod}.resources.limits")
    if not any(as_mapping(mount).get("mountPath") == "/dev/shm" for mount in as_list(container.get("volumeMounts"))):
        problem = "with only 64 MB of shared memory, Ray's object store would go to the disk"
        yield Finding(f"{pod}.volumeMounts", problem, "an emptyDir of medium Memory at /dev/shm")
    yield from _check_container_environment(container, pod)


def _check_container_environment(container: dict[str, Any], pod: str) -> Iterator[Finding]:
    for number, entry in enumerate(map(as_mapping, as_list(container.get("env")))):
        name = str(entry.get("name", ""))
        if _SECRET.search(name) and "PATH" not in name and str(entry.get("value", "")):
            problem = f"the file contains a secret: {name}"
            yield Finding(f"{pod}.env[{number}]", problem, "valueFrom: {secretKeyRef: ...}, or a service account")


def _check_autoscaling(spec: dict[str, Any], base: str) -> Iterator[Finding]:
    if not spec.get("enableInTreeAutoscaling"):
        yield Finding(f"{base}.enableInTreeAutoscaling", "nodes would be neither started nor stopped", "true")
        return
    idle_s = as_mapping(spec.get("autoscalerOptions")).get("idleTimeoutSeconds")
    if not isinstance(idle_s, int) or not 0 < idle_s < _MAX_IDLE_S:
        problem = f"idle nodes would keep costing money: {'no timeout is set' if idle_s is None else f'the timeout is {idle_s!r}'}"
        yield Finding(f"{base}.autoscalerOptions.idleTimeoutSeconds", problem, f"less than {_MAX_IDLE_S}, such as 300")


def _check_storage(cluster: ClusterFile, is_job: bool) -> Iterator[Finding]:
    """Check that the file names one storage path for all pods."""
    at, annotated_path = f"metadata.annotations.{STORAGE}", cluster.storage_path
    entrypoint = str(as_mapping(cluster.content.get("spec")).get("entrypoint", ""))
    flag = re.search(r"--storage-path[= ](\S+)", entrypoint)
    if not annotated_path and not flag:
        problem = "no shared storage path is given: results would be lost with their pods"
        yield Finding(at, problem, "s3://..., or the mountPath of a volume that all pods mount")
        return
    if is_job and flag and annotated_path and flag[1] != annotated_path:
        yield Finding("spec.entrypoint", f"--storage-path is {flag[1]}, but {STORAGE} is {annotated_path}", "the same path in both")
    path = str(annotated_path or (flag[1] if flag else ""))
    fault = storage_path_error(path)
    if fault:
        yield Finding(at, fault, "s3://...")
    if "://" not in path:
        yield from _check_mounts(cluster, path, at)


def _check_mounts(cluster: ClusterFile, path: str, at: str) -> Iterator[Finding]:
    spec = ray_cluster_spec(cluster.content)
    for group in (as_mapping(spec.get("headGroupSpec")), *as_list(spec.get("workerGroupSpecs"))):
        volume_mounts = as_list((pod_containers(group) or [{}])[0].get("volumeMounts"))
        folders = [str(as_mapping(mount).get("mountPath")) for mount in volume_mounts]
        if not any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders):
            name = group.get("groupName", "the head")
            yield Finding(at, f"{path} is on no volume of {name}: it would be a different folder in every pod", "s3://...")


def _check_runtime_environment(content: dict[str, Any]) -> Iterator[Finding]:
    """Look for secrets in the job's environment.

    KubeRay passes it on as text, and the dashboard shows it.
    """
    for line in str(as_mapping(content.get("spec")).get("runtimeEnvYAML") or "").splitlines():
        name, _, value = line.partition(":")
        if _SECRET.search(name) and "PATH" not in name and value.strip():
            problem = f"the file contains a secret: {name.strip()}"
            yield Finding("spec.runtimeEnvYAML", problem, "a Secret in the pods' env, or a service account")
