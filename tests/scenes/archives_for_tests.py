"""Archives that tests write, and what a listing of them says."""

import io
import tarfile
import warnings
import zipfile

from label_files_for_tests import write

from raygroup.scenes.archives.sources import open_source
from raygroup.scenes.scene import Problems

FILES = {"gt/gt_img_00001.txt": b"one", "gt/gt_img_00002.txt": b"two", "img/img_1.jpg": b"\xff\xd8picture"}


def pack(path, files, kind):
    """Write files to a folder or an archive, and return its path.

    ``files`` is a dict, or a list of pairs if a name occurs twice. ``kind`` is folder, zip, tar or tar.gz, tar.bz2, tar.xz.
    """
    pairs = [*files.items()] if isinstance(files, dict) else files
    if kind == "folder":
        return write(path, dict(pairs))
    if kind == "zip":
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            warnings.simplefilter("ignore")  # about names that occur twice
            for name, content in pairs:
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w:" + kind.removeprefix("tar").removeprefix("."), format=tarfile.GNU_FORMAT) as archive:
        for name, content in pairs:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def list_source(path):
    """Open a source and list it; return the source, the names and the problems."""
    problems = Problems()
    source = open_source(path)
    return source, [member.name for member in source.list(0, problems.add)], problems


def reasons_left_out(problems):
    return [problem.what for problem in problems.entries if problem.kind == "entry left out"]
