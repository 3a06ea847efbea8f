"""The names of the released network's weights, and where they go in a spotter.

Every name has one place. Nothing is matched by likeness, padded or cut: a name without a place, a
place without a name, or another shape stops the import.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

HEAD_PREFIX = "roi_heads.mask.predictor.seq_"
HEAD_NAME = re.compile(re.escape(HEAD_PREFIX) + r"([a-z0-9]+)\.(.+)")
GROUPER = "roi_heads.mask.predictor.language_grouper.lang_head_weights"
"""R_TM. A multiplexed network, whose heads are tied to tasks, lacks it."""

_PREFIXES = {
    "backbone.body.stem.conv1": "trunk.stem.convolutions.0.convolution",
    "backbone.body.stem.bn1": "trunk.stem.convolutions.0.norm",
    **{f"backbone.fpn.fpn_inner{level + 1}": f"trunk.lateral.{level}" for level in range(4)},
    **{f"backbone.fpn.fpn_layer{level + 1}": f"trunk.smooth.{level}" for level in range(4)},
    "proposal.head.fpn_out2": "segmentation.levels.0",
    **{f"proposal.head.fpn_out{level + 2}.0": f"segmentation.levels.{level}" for level in (1, 2, 3)},
    "proposal.head.seg_out.0.0": "segmentation.convolution.convolution", "proposal.head.seg_out.0.1": "segmentation.convolution.norm",
    "proposal.head.seg_out.1": "segmentation.upsample", "proposal.head.seg_out.2": "segmentation.norm",
    "proposal.head.seg_out.4": "segmentation.logits",
    "roi_heads.box.feature_extractor.fc6": "box.first", "roi_heads.box.feature_extractor.fc7": "box.second",
    "roi_heads.box.predictor.cls_score": "box.score", "roi_heads.box.predictor.bbox_pred": "box.change",
    **{f"roi_heads.mask.feature_extractor.mask_fcn{number + 1}": f"mask.convolutions.{number}" for number in range(4)},
    "roi_heads.mask.predictor.conv5_mask": "mask.upsample", "roi_heads.mask.predictor.mask_fcn_logits": "mask.logits",
    "roi_heads.mask.predictor.language_predictor.conv1": "language.first_convolution",
    "roi_heads.mask.predictor.language_predictor.conv2": "language.second_convolution",
    "roi_heads.mask.predictor.language_predictor.fc1": "language.hidden",
    "roi_heads.mask.predictor.language_predictor.fc2": "language.tasks",
}  # fmt: skip
"""The reference's layers outside residual blocks and heads, and ours."""
_BLOCK = re.compile(r"backbone\.body\.layer([1-4])\.(\d+)\.(conv|bn|downsample\.)(\d)")
"""A layer of a residual block: its stage, block, kind and number."""

HEAD_WEIGHTS = {
    "seq_encoder.0.weight": "convolution", "seq_encoder.0.bias": "convolution_bias", "seq_decoder.embedding.weight": "embedding",
    "seq_decoder.word_linear.weight": "word", "seq_decoder.word_linear.bias": "word_bias", "seq_decoder.attn.v": "score",
    "seq_decoder.attn.attn.bias": "attention_bias", "seq_decoder.rnn.weight_hh": "gate_state", "seq_decoder.rnn.bias_ih": "gate_bias",
    "seq_decoder.rnn.bias_hh": "gate_state_bias", "seq_decoder.out.weight": "output", "seq_decoder.out.bias": "output_bias",
    "x_onehot.weight": "column_table", "y_onehot.weight": "row_table",
}  # fmt: skip
"""The weights of a head that are one parameter in both networks."""
_TRANSPOSED = {"word", "gate_state", "output"}
_ATTENTION, _GATES = "seq_decoder.attn.attn.weight", "seq_decoder.rnn.weight_ih"
"""The weights that read several inputs side by side, which are parameters of their own in a bank."""
ALL_HEAD_WEIGHTS = {*HEAD_WEIGHTS, _ATTENTION, _GATES}


def our_name(reference: str) -> str | None:
    """Return our name of a weight outside the heads, or None if it has none."""
    if reference == GROUPER:
        return "r_tm"
    layer, _, tensor = reference.rpartition(".")
    if block := _BLOCK.fullmatch(layer):
        stage, number, kind, index = int(block[1]) - 1, block[2], block[3], int(block[4])
        if kind == "downsample.":
            place, part = "shortcut", ("convolution", "norm")[index] if index < 2 else ""
        else:
            place, part = f"convolutions.{index - 1}", "convolution" if kind == "conv" else "norm"
        return f"trunk.stages.{stage}.{number}.{place}.{part}.{tensor}"
    return f"{_PREFIXES[layer]}.{tensor}" if layer in _PREFIXES else None


def head_parameters(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a head's weights, without the head's prefix, under the names of ``LocatedHeadBank``."""
    parameters = {ours: weights[name].T if ours in _TRANSPOSED else weights[name] for name, ours in HEAD_WEIGHTS.items()}
    hidden = len(weights["seq_decoder.attn.v"])
    attention, gates = weights[_ATTENTION].T, weights[_GATES].T
    parameters |= {"query": attention[:hidden], "key": attention[hidden : 2 * hidden], "place": attention[2 * hidden :]}
    return parameters | {"gate_word": gates[:hidden], "gate_context": gates[hidden:]}


def reference_head_weights(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a head's parameters, or their gradients, under the reference's names."""
    weights = {name: parameters[ours].T if ours in _TRANSPOSED else parameters[ours] for name, ours in HEAD_WEIGHTS.items()}
    weights[_ATTENTION] = torch.cat([parameters["query"], parameters["key"], parameters["place"]]).T
    weights[_GATES] = torch.cat([parameters["gate_word"], parameters["gate_context"]]).T
    return weights
