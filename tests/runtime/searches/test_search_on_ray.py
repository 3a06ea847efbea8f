"""A search on Ray asks and finishes the points of a search without it."""

import shutil

import pytest
from size_searches import search_space

pytest.importorskip("optuna")

from raygroup import sweep
from raygroup.runtime.planning.plan import load_plan
from raygroup.runtime.searches.search_plan import stored_points


@pytest.mark.slow
@pytest.mark.long
def test_a_search_on_ray_has_the_points_and_values_of_a_local_one(finished, prepared, tmp_path):
    path = search_space(tmp_path, num_points=3, confirm_seeds="(7,)")
    assert sweep.main([path, "--storage-path", str(prepared)]) == 0
    local = tmp_path / "local"
    shutil.copytree(finished / "cache", local / "cache")
    assert sweep.main([path, "--local", "--storage-path", str(local)]) == 0
    assert stored_points(load_plan(path, prepared)) == stored_points(load_plan(path, local))
    on_ray, without_ray = ({file.parent.name for file in folder.glob("sizes/*/DONE.json")} for folder in (prepared, local))
    assert on_ray == without_ray
