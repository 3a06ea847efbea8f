"""Makes the folder of the tests importable, so that they share ``synthetic_storage``, and an object store known to all of them."""

from s3_server import bucket, object_store  # noqa: F401
