"""The keys of KubeRay's RayJob and RayCluster, and of their pods.

The version is ray.io/v1. Kubernetes and Ray ignore any other key.
"""

from raygroup.cluster.rules.keys import ANY

_CONTAINER = dict.fromkeys((
    "name", "image", "imagePullPolicy", "command", "args", "env", "envFrom", "ports", "resources", "resizePolicy", "volumeMounts",
    "volumeDevices", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "securityContext", "workingDir", "stdin", "stdinOnce",
    "tty", "restartPolicy", "restartPolicyRules", "terminationMessagePath", "terminationMessagePolicy",
))  # fmt: skip
_POD = dict.fromkeys((
    "serviceAccountName", "serviceAccount", "automountServiceAccountToken", "nodeSelector", "nodeName", "tolerations", "affinity",
    "topologySpreadConstraints", "schedulerName", "schedulingGates", "schedulingGroup", "priority", "priorityClassName", "preemptionPolicy",
    "runtimeClassName", "overhead", "resources", "resourceClaims", "volumes", "initContainers", "ephemeralContainers", "imagePullSecrets",
    "securityContext", "restartPolicy", "terminationGracePeriodSeconds", "activeDeadlineSeconds", "readinessGates", "enableServiceLinks",
    "shareProcessNamespace", "hostNetwork", "hostPID", "hostIPC", "hostUsers", "hostAliases", "hostname", "hostnameOverride", "subdomain",
    "setHostnameAsFQDN", "dnsPolicy", "dnsConfig", "os",
)) | {"containers": [_CONTAINER]}  # fmt: skip
_TEMPLATE = {"metadata": ANY, "spec": _POD}
_HEAD = dict.fromkeys((
    "rayStartParams", "serviceType", "headService", "enableIngress", "ingressOptions", "resources", "labels",
)) | {"template": _TEMPLATE}  # fmt: skip
_WORKERS = dict.fromkeys((
    "groupName", "replicas", "minReplicas", "maxReplicas", "numOfHosts", "idleTimeoutSeconds", "suspend", "rayStartParams",
    "scaleStrategy", "resources", "labels", "priority",
)) | {"template": _TEMPLATE}  # fmt: skip
CLUSTER = dict.fromkeys((
    "rayVersion", "enableInTreeAutoscaling", "suspend", "headServiceAnnotations", "managedBy", "gcsFaultToleranceOptions",
    "historyServerOptions", "networkPolicy", "tlsOptions", "upgradeStrategy",
)) | {
    "authOptions": dict.fromkeys(("mode", "secretName", "enableK8sTokenAuth")),
    "autoscalerOptions": dict.fromkeys((
        "version", "idleTimeoutSeconds", "upscalingMode", "resources", "image", "imagePullPolicy", "command", "args", "env", "envFrom",
        "securityContext", "volumeMounts",
    )),
    "headGroupSpec": _HEAD,
    "workerGroupSpecs": [_WORKERS],
}  # fmt: skip
"""Keys below ``spec`` of a RayCluster, and below ``spec.rayClusterSpec`` of a RayJob."""
JOB = dict.fromkeys((
    "entrypoint", "entrypointNumCpus", "entrypointNumGpus", "entrypointResources", "runtimeEnvYAML", "jobId", "metadata", "submissionMode",
    "submitterPodTemplate", "submitterConfig", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "activeDeadlineSeconds",
    "preRunningDeadlineSeconds", "backoffLimit", "deletionStrategy", "suspend", "managedBy", "clusterSelector",
)) | {"rayClusterSpec": CLUSTER}  # fmt: skip
"""Keys below ``spec`` of a RayJob."""
TOP = {
    "apiVersion": ANY,
    "kind": ANY,
    "metadata": dict.fromkeys(("name", "namespace", "labels", "annotations", "generateName", "finalizers")),
}
"""Keys at the top of both, except ``spec``."""
