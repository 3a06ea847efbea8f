"""Test the choice of a form."""

import pytest

from raygroup.model.kernels.forms import PLAIN, choose_kernels, cpu_forms


def test_a_form_is_chosen_by_name_and_auto_fits_the_device():
    assert choose_kernels("plain") is PLAIN
    assert choose_kernels("auto", "cpu").name in cpu_forms()


def test_a_wrong_name_is_refused_with_the_valid_names():
    with pytest.raises(ValueError, match=r"kernels are 'fast': they must be one of auto, plain, factored, winograd, "):
        choose_kernels("fast")


def test_cuda_graphs_are_refused_without_a_gpu():
    with pytest.raises(ValueError, match="'graphs': CUDA graphs need a GPU. On cpu, choose auto, plain, factored, "):
        choose_kernels("graphs", "cpu")
