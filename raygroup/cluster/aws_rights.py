"""What the nodes of a cluster on AWS may do, as statements of IAM policies: least privilege."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CLUSTER_TAG = "ray-cluster-name"
"""Ray puts it on every instance of a cluster, with the cluster's name."""

Statement = dict[str, Any]


@dataclass(frozen=True)
class Owner:
    """Whose cluster, and where."""

    partition: str
    """``aws``, but in China and for governments."""
    region: str
    account: str
    """Its number."""
    cluster_name: str

    def arn(self, service: str, resource: str) -> str:
        region = "" if service == "iam" else self.region
        return f"arn:{self.partition}:{service}:{region}:{self.account}:{resource}"


def storage_rights(partition: str, bucket: str, prefix: str) -> list[Statement]:
    """Objects below the prefix. S3 answers 404 for what is not there only to those who may list, and such a question has no prefix: so a
    listing without one is not refused, and shows the names of the bucket's other objects."""
    place = f"arn:{partition}:s3:::{bucket}"
    objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    return [
        _allow("Objects", objects, f"{place}/{prefix}/*"),
        _allow("Listing", ["s3:ListBucket"], place, StringLikeIfExists={"s3:prefix": [prefix, f"{prefix}/*"]}),
        _allow("Region", ["s3:GetBucketLocation"], place),
    ]


def autoscaling_rights(owner: Owner, group: str, worker_role: str) -> list[Statement]:
    """Instances of this cluster alone: started with its tag, and ended only with it. A tag cannot be put on others to end them."""
    instances, ours = owner.arn("ec2", "instance/*"), {f"aws:ResourceTag/{CLUSTER_TAG}": owner.cluster_name}
    asked = {f"aws:RequestTag/{CLUSTER_TAG}": owner.cluster_name}
    kinds = ("key-pair/*", "network-interface/*", "spot-instances-request/*", "subnet/*", "volume/*", f"security-group/{group}")
    image = f"arn:{owner.partition}:ec2:{owner.region}::image/*"
    parameter = f"arn:{owner.partition}:ssm:{owner.region}::parameter/aws/service/*"
    return [
        _allow("Look", ["ec2:Describe*"], "*"),
        _allow("Image", ["ssm:GetParameters"], parameter),
        _allow("Start", ["ec2:RunInstances"], instances, StringEquals=asked),
        _allow("StartWith", ["ec2:RunInstances"], [*(owner.arn("ec2", kind) for kind in kinds), image]),
        _allow("TagAtStart", ["ec2:CreateTags"], instances, StringEquals={"ec2:CreateAction": "RunInstances"} | asked),
        _allow("TagOurs", ["ec2:CreateTags"], instances, StringEquals=ours),
        _allow("End", ["ec2:TerminateInstances"], instances, StringEquals=ours),
        _allow(
            "GiveRole", ["iam:PassRole"], owner.arn("iam", f"role/{worker_role}"),
            StringEquals={"iam:PassedToService": "ec2.amazonaws.com"},
        ),
    ]  # fmt: skip


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(name: str, actions: Sequence[str], resource: str | list[str], **conditions: dict[str, Any]) -> Statement:
    condition = {"Condition": conditions} if conditions else {}
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resource, **condition}
