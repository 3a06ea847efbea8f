"""The words in the files of ``cluster/`` that users must replace."""

import re
from collections.abc import Iterator

from raygroup.runtime.planning.clusters.cluster_file import ClusterFile
from raygroup.runtime.planning.finding import Finding

PLACEHOLDERS = {
    "MY-BUCKET": "the name of your bucket",
    "SG-ID": "the id of the security group that `python -m raygroup.cluster prepare` prints",
    "REGISTRY": "the registry that has your image, such as registry.example.org/team",
    "SHARED": "the folder that all your machines mount, such as /nfs/ocr/raygroup",
    "HEAD-IP": "the address of the machine that starts the others",
    "WORKER-1-IP": "the address of the first machine that trains",
    "WORKER-2-IP": "the address of the second machine that trains; add or remove addresses as you have machines",
}
"""Every placeholder of the files in ``cluster/`` -> what to write there."""
_WORD = re.compile(rf"(?<![A-Za-z0-9_-])({'|'.join(map(re.escape, PLACEHOLDERS))})(?![A-Za-z0-9_-])")


def check_placeholders(cluster: ClusterFile) -> Iterator[Finding]:
    """Yield a finding for every placeholder that is still in the file. Comments do not count."""
    for path, text in cluster.document.texts():
        for word in dict.fromkeys(_WORD.findall(text)):
            yield Finding(path, f"{word} is a placeholder", PLACEHOLDERS[word])
