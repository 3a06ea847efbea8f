"""Check a file for ``ray up`` against Ray's own schema."""

import contextlib
import copy
import io
import logging
import re
from typing import Any


def schema_error(cluster: dict[str, Any]) -> tuple[str, str] | None:
    """Return the first error that Ray's schema finds in a cluster, or None.

    The error is a place in the file and a reason. Ray's own output is suppressed. An unknown key is
    no error here: raygroup's rules report it, with the key that was probably meant.
    """
    from jsonschema import ValidationError
    from ray.autoscaler._private.util import prepare_config, validate_config

    logging.getLogger("ray").setLevel(logging.ERROR)  # importing ray sets it
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            validate_config(prepare_config(copy.deepcopy(cluster)))
    except ValidationError as error:
        if error.validator == "additionalProperties":
            return None
        return ".".join(map(str, error.absolute_path)) or "file", error.message
    except Exception as error:
        quoted_name = re.search(r"`(\w+)`", str(error))
        return quoted_name[1] if quoted_name else "file", f"{type(error).__name__}: {error}"
    return None
