"""The rights of a cluster's nodes on AWS.

They are statements of IAM policies, with least privilege.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CLUSTER_TAG = "ray-cluster-name"
"""The tag that Ray puts on every instance of a cluster. Its value is the cluster's name."""

Statement = dict[str, Any]


@dataclass(frozen=True)
class Owner:
    """The cluster that rights are for, and its account and region."""

    partition: str
    """``aws``, except in China and for governments."""
    region: str
    account: str
    """The account's number."""
    cluster_name: str

    def arn(self, service: str, resource: str) -> str:
        """Return the Amazon Resource Name (ARN) of a resource."""
        region = "" if service == "iam" else self.region
        return f"arn:{self.partition}:{service}:{region}:{self.account}:{resource}"


def storage_rights(partition: str, bucket: str, prefix: str) -> list[Statement]:
    """Return the rights to read and write the objects below a prefix.

    S3 answers 404 for a missing object only to a caller that may list the bucket, and that request
    names no prefix. So a listing without a prefix is allowed too. It shows the names of the
    bucket's other objects.
    """
    bucket_arn = f"arn:{partition}:s3:::{bucket}"
    objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    return [
        _allow("Objects", objects, f"{bucket_arn}/{prefix}/*"),
        _allow("Listing", ["s3:ListBucket"], bucket_arn, StringLikeIfExists={"s3:prefix": [prefix, f"{prefix}/*"]}),
        _allow("Region", ["s3:GetBucketLocation"], bucket_arn),
    ]


def autoscaling_rights(owner: Owner, group: str, worker_role: str) -> list[Statement]:
    """Return the rights to start and end this cluster's instances.

    No other instance may be touched: one can be started only with the cluster's tag, and ended only
    if it has the tag. The tag cannot be put on other instances to end them.
    """
    instances = owner.arn("ec2", "instance/*")
    has_tag = {f"aws:ResourceTag/{CLUSTER_TAG}": owner.cluster_name}
    gets_tag = {f"aws:RequestTag/{CLUSTER_TAG}": owner.cluster_name}
    kinds = ("key-pair/*", "network-interface/*", "spot-instances-request/*", "subnet/*", "volume/*", f"security-group/{group}")
    image = f"arn:{owner.partition}:ec2:{owner.region}::image/*"
    parameter = f"arn:{owner.partition}:ssm:{owner.region}::parameter/aws/service/*"
    return [
        _allow("Look", ["ec2:Describe*"], "*"),
        _allow("Image", ["ssm:GetParameters"], parameter),
        _allow("Start", ["ec2:RunInstances"], instances, StringEquals=gets_tag),
        _allow("StartWith", ["ec2:RunInstances"], [*(owner.arn("ec2", kind) for kind in kinds), image]),
        _allow("TagAtStart", ["ec2:CreateTags"], instances, StringEquals={"ec2:CreateAction": "RunInstances"} | gets_tag),
        _allow("TagOurs", ["ec2:CreateTags"], instances, StringEquals=has_tag),
        _allow("End", ["ec2:TerminateInstances"], instances, StringEquals=has_tag),
        _allow(
            "GiveRole", ["iam:PassRole"], owner.arn("iam", f"role/{worker_role}"),
            StringEquals={"iam:PassedToService": "ec2.amazonaws.com"},
        ),
    ]  # fmt: skip


def policy_document(statements: Sequence[Statement]) -> dict[str, Any]:
    """Return an IAM policy with these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(name: str, actions: Sequence[str], resource: str | list[str], **conditions: dict[str, Any]) -> Statement:
    condition = {"Condition": conditions} if conditions else {}
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resource, **condition}
