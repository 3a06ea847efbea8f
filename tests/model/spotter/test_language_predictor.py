import numpy as np
import torch
from shared_fixtures import reference, reference_keys, reference_tensor, reference_weights

from raygroup.model.spotter.language_predictor import LanguagePredictor
from raygroup.model.spotter.losses import language_loss
from raygroup.model.spotter.reference_names import our_name
from raygroup.model.spotter.shape import REFERENCE

PREFIX = "roi_heads.mask.predictor.language_predictor."


def test_logits_loss_and_gradients_equal_the_references():
    _, numbers = reference("language_predictor")
    weights = reference_weights({name: shape for name, shape in reference_keys("grouped_v11").items() if name.startswith(PREFIX)})
    predictor = LanguagePredictor(REFERENCE, 8)
    predictor.load_state_dict({our_name(name).removeprefix("language."): torch.from_numpy(value) for name, value in weights.items()})
    rounded = reference_tensor()("lang.x", (4, 256, 32, 32), 0, 1).astype(np.float16).astype(np.float32)
    features = torch.from_numpy(rounded).requires_grad_()
    logits = predictor(features)
    assert np.allclose(logits.detach().numpy(), numbers["logits"], atol=1e-5)
    loss = language_loss(logits, torch.from_numpy(numbers["gt"]))
    assert np.allclose(loss.item(), numbers["ce"], rtol=1e-5)
    loss.backward()
    assert np.allclose(predictor.tasks.weight.grad.numpy(), numbers["grad_fc2"], atol=1e-5)
    assert np.allclose(predictor.first_convolution.weight.grad[::8, ::32].numpy(), numbers["grad_conv1_slice"], atol=1e-5)
    assert np.allclose(features.grad[:, ::16, ::4, ::4].numpy(), numbers["grad_x_slice"], atol=1e-6)
