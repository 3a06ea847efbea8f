"""ONNX files read as torch does, and are small."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from finished_trial import WORDS

import raygroup
from raygroup.errors import ConfigError, DamagedFileError
from raygroup.reading.record import RECORD_FILE, read_record
from raygroup.trunks import CROP_SIZE
from raygroup.words.crops import decode_crop

pytestmark = pytest.mark.slow
BATCHES = [1, 2, 3, 64, 300]


@pytest.fixture(scope="module")
def packages(onnx_package):
    return {name: raygroup.load(onnx_package, backend=name, threads=1) for name in ("onnxruntime", "torch")}


@pytest.fixture(scope="module")
def crops(finished_trial):
    """300 crops of rendered words: those of the trial, and lighter ones."""
    crops = [decode_crop(image, *CROP_SIZE) for image in finished_trial.images]
    return np.stack([*crops, *(128 + crop // 2 for crop in crops)])[:300]


def test_the_words_are_enough(crops):
    assert len(crops) == max(BATCHES)
    assert WORDS.tasks == ("ar", "hi", "la")


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("count", BATCHES)
def test_a_batch_of_any_size_gives_the_strings_of_torch(packages, crops, count, beams):
    one, other = (package.read(list(crops[-count:]), beams) for package in packages.values())
    assert [(word.text, word.task, word.head, word.unsure) for word in one] == [
        (word.text, word.task, word.head, word.unsure) for word in other
    ]
    assert max(abs(word.confidence - same.confidence) for word, same in zip(one, other, strict=True)) < 1e-5


@pytest.mark.parametrize("count", BATCHES)
def test_one_run_of_each_file_takes_a_batch_of_any_size(packages, crops, count):
    onnx, model = packages["onnxruntime"].backend, packages["torch"].backend.model
    features = onnx._run("trunk.onnx", crops[:count])[0]
    expected = model.trunk(torch.from_numpy(crops[:count]))
    assert np.allclose(features, expected, atol=1e-4)
    probabilities, heads = onnx._run("router.onnx", features)
    assert np.allclose(probabilities, model.router(expected)[0], atol=1e-4)
    assert np.array_equal(heads, model.router(expected)[1])
    for head in packages["torch"].record.heads:
        for beam in (False, True):
            classes, confidence = onnx._run(head.onnx_file(beam), features)
            assert (classes.shape, confidence.shape) == ((count, 32), (count,))


def test_the_record_says_that_both_were_compared(onnx_package):
    parity = read_record(onnx_package).parity
    assert parity["compared"]
    assert {"torch", "onnx", "onnxscript", "onnxruntime"} <= read_record(onnx_package).versions.keys()
    assert parity["greedy"]["equal"] == parity["beam"]["equal"] == parity["words"] > 100
    assert parity["greedy"]["confidence_difference"] < 1e-5


def test_graphs_hold_no_weights_and_no_path_of_the_machine_that_wrote_them(onnx_package):
    files = [onnx_package / name for name in read_record(onnx_package).files if name.endswith(".onnx")]
    assert len(files) == 6
    for path in files:
        content = path.read_bytes()
        assert len(content) < 20_000
        assert b"model.safetensors" in content
        assert b"site-packages" not in content
        assert b".py" not in content
    assert sum(path.stat().st_size for path in onnx_package.iterdir()) < 5_000_000


def test_auto_takes_onnxruntime_and_reading_does_not_import_torch(onnx_package, finished_trial, tmp_path):
    (tmp_path / "word.png").write_bytes(finished_trial.images[0])
    code = (
        "import sys, raygroup; package = raygroup.load(sys.argv[1]); print(package.read([sys.argv[2]])[0].text, package.backend.name);"
        "assert not {'torch', 'ray', 'pyarrow'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code, str(onnx_package), str(tmp_path / "word.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "onnxruntime"


def test_other_beams_than_those_of_the_files_are_refused(packages, crops):
    with pytest.raises(ConfigError, match="exported for 1 .greedy. or 3 beams"):
        packages["onnxruntime"].read(list(crops[:1]), beams=4)


def test_a_graph_that_onnxruntime_cannot_open_is_named(onnx_package, tmp_path):
    from raygroup.reading.onnx_backend import OnnxBackend

    package = shutil.copytree(onnx_package, tmp_path / "package")
    (package / "trunk.onnx").write_bytes(b"no graph")
    with pytest.raises(DamagedFileError, match="trunk.onnx: onnxruntime .* cannot open it"):
        OnnxBackend(package, read_record(package)).read(np.zeros((1, *CROP_SIZE), np.uint8), 1)


def test_any_changed_byte_of_any_onnx_file_is_noticed(onnx_package, tmp_path):
    package = shutil.copytree(onnx_package, tmp_path / "package")
    for path in package.glob("*.onnx"):
        content = path.read_bytes()
        for damaged in (content[:-1], content[:50] + bytes([content[50] ^ 1]) + content[51:], b""):
            path.write_bytes(damaged)
            with pytest.raises(DamagedFileError, match=re.escape(path.name)):
                raygroup.load(package)
        path.write_bytes(content)


def test_the_example_in_the_readme_reads_without_raygroup(onnx_package, finished_trial, tmp_path):
    package = shutil.copytree(onnx_package, tmp_path / "package")
    example = next(
        block for block in re.findall(r"```python\n(.*?)```", (package / "README.md").read_text(), re.DOTALL) if "onnxruntime" in block
    )
    numbers = [number for number, task in enumerate(finished_trial.tasks) if task == "la"][:10]
    expected = [word.text for word in raygroup.load(package).read([finished_trial.images[number] for number in numbers])]
    texts = []
    for number in numbers:
        (package / "word.png").write_bytes(finished_trial.images[number])
        script = f"{example}\nimport sys\nassert not {{'raygroup', 'torch'}} & set(sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=package, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONUTF8": "1"}
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        texts.append(done.stdout.split()[0])
    assert sum(one == other for one, other in zip(texts, expected, strict=True)) >= 8
    assert (package / RECORD_FILE).is_file()
