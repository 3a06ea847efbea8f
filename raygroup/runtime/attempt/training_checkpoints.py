"""Checkpoints of a training that belongs to no sweep, in a folder beside its result."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.config_sections import section_from_json, to_json
from raygroup.errors import ConfigError
from raygroup.runtime.attempt.checkpoints import load_checkpoint, save_checkpoint
from raygroup.storage.checkpoint_index import listed_steps, sound_steps
from raygroup.storage.locks import lock_folder

if TYPE_CHECKING:
    from torch import Tensor


class TrainingCheckpoints:
    """Keeps the last two states of a training. It is a StateKeeper."""

    def __init__(self, folder: Path, settings: object, inputs: Mapping[str, Any], every: int) -> None:
        """Find the newest sound checkpoint in ``folder``. ``every`` is the number of steps between two.

        ``settings`` is a section, and ``inputs`` has all else that the result depends on, as plain JSON values. Raises ConfigError if
        the checkpoints are those of another training. Settings that a later version added count at their defaults.
        """
        self.folder = folder
        self.identity = {"settings": to_json(settings), **inputs}
        self.every = every
        self.step = max(sound_steps(folder), default=0)
        self.lost_steps = max(listed_steps(folder), default=0) - self.step
        """Steps that are trained again, because their checkpoint is damaged."""
        self._state: dict[str, Tensor] = {}
        if self.step:
            self._state, facts, _ = load_checkpoint(folder, self.step)
            if not _is_same(facts.get("identity"), settings, inputs):
                raise ConfigError(
                    f"{folder}: holds a training with other settings or words: delete it to train from the beginning, or name another --out"
                )

    def restored(self) -> "tuple[int, dict[str, Tensor]]":
        """Return the step of the newest sound checkpoint and its state. Step 0 is the beginning."""
        return self.step, self._state

    def is_due(self, step: int) -> bool:
        return step % self.every == 0

    def keep(self, step: int, state: "dict[str, Tensor]") -> None:
        """Write a checkpoint atomically, and drop all but the last two."""
        save_checkpoint(self.folder, step, state, {"identity": self.identity})

    def delete(self) -> None:
        """Delete the folder. The training is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_same(identity: Any, settings: object, inputs: Mapping[str, Any]) -> bool:
    """Return whether a stored identity is that of these settings and inputs."""
    try:
        stored = section_from_json(type(settings), identity["settings"])
    except (ConfigError, KeyError, TypeError, AttributeError):
        return False
    return stored == settings and {name: value for name, value in identity.items() if name != "settings"} == dict(inputs)


def training_folder(out: Path) -> Path:
    """Return the folder of the checkpoints of a training whose result is ``out``."""
    return out.with_name(f"{out.name}.training")


@contextlib.contextmanager
def lock_result(out: Path) -> Iterator[Path]:
    """Hold the checkpoints of a result for one writer during the block, and yield their folder.

    Raises ConfigError if ``out`` cannot be written, or if another process trains it.
    """
    folder = training_folder(out)
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder: name a file")
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(lock_folder(folder, "training"))
        except OSError as error:
            raise ConfigError(f"--out {out} cannot be written: {error.strerror}: name a file in a folder that can") from error
        try:
            yield folder
        finally:
            if not listed_steps(folder):
                shutil.rmtree(folder, ignore_errors=True)
