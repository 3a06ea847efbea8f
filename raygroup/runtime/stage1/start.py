"""The first weights of stage 1: their names, their files, and whether they fit. This needs no torch."""

from pathlib import Path

from raygroup.config import Pretraining
from raygroup.errors import ConfigError
from raygroup.runtime.planning.jobs import LAPTOP, SPOTTER, SPOTTER_READER, weights_file
from raygroup.runtime.planning.requirements import weights_metadata


def start_file(name: str, setting: str = "start") -> Path:
    """Return the file of first weights. Raises ConfigError for a file that does not exist, or that is of another kind."""
    if name == SPOTTER:
        return SPOTTER_READER
    path = weights_file(name, setting)
    about = weights_metadata(path)
    if "head" not in about or "charset" not in about:
        kind = "is a detector" if about.get("kind") == "detector" else "is no stage-1 file"
        raise ConfigError(f"{setting}: {path} {kind}: name a file of python -m raygroup.pretrain, or {LAPTOP} or {SPOTTER}")
    return path


def head_file(settings: Pretraining) -> Path | None:
    """Return the file of the first weights if stage 1 starts from their head too. A head of another size begins at random."""
    if not settings.start:
        return None
    path, heads = start_file(settings.start), settings.heads
    size = weights_metadata(path).get("head", {})
    return path if (size.get("embed"), size.get("hidden")) == (heads.embeds[0], heads.hiddens[0]) else None


def require_start_fits(settings: Pretraining, path: Path, setting: str = "start") -> None:
    """Raise ConfigError if stage 1 cannot start from a file: its head has another size, and the trunk is trained too."""
    size = weights_metadata(path).get("head")
    if size is None or not settings.steps:
        return
    heads = settings.heads
    if (size["embed"], size["hidden"]) != (heads.embeds[0], heads.hiddens[0]):
        raise ConfigError(
            f"{setting}: the head of {path} has embed {size['embed']} and hidden {size['hidden']}, but heads has {heads.embeds[0]} and "
            f"{heads.hiddens[0]}: they must be equal unless steps is 0"
        )
