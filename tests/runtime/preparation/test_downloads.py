import pytest

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_bytes
from raygroup.files.remote import Remote
from raygroup.runtime.preparation.downloads import download_words


def test_parquet_below_a_remote_folder_is_named_as_the_folder_to_give(bucket):
    write_bytes(Remote(f"{bucket}/words/data/train-0.parquet"), b"PAR1")
    write_bytes(Remote(f"{bucket}/other/notes.txt"), b"none")
    with pytest.raises(ConfigError, match=r"no Parquet file here; Parquet files lie in s3://[^:]*/words/data.*: give that folder"):
        download_words(Remote(f"{bucket}/words"))
    with pytest.raises(ConfigError, match="put images with a label file into a folder of this machine"):
        download_words(Remote(f"{bucket}/other"))
