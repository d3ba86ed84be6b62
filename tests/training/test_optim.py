import pytest
import torch

from training.config import TrainConfig, model_config
from training.model import Decoder
from training.optim import Optimizer, learning_rate_at


@pytest.mark.parametrize(
    ("steps", "warmup", "decay", "expected"),
    [
        (10, 0.2, 0.4, [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]),
        (4, 0, 0, [1, 1, 1, 1]),
        (4, 0, 1, [1, 0.75, 0.5, 0.25]),
        (4, 1, 0, [0.25, 0.5, 0.75, 1]),
        (4, 1, 1, [0.25, 0.5, 0.5, 0.25]),
        (1, 0.02, 0.4, [1]),
    ],
)
def test_schedule(steps, warmup, decay, expected):
    rates = [
        learning_rate_at(step, steps=steps, peak=2.0, warmup=warmup, decay=decay)
        for step in range(steps)
    ]
    assert rates == pytest.approx([2 * value for value in expected])


def small_decoder():
    return Decoder(
        model_config(TrainConfig(width=16, layers=1, heads=2, kv_heads=2), 50, 16), seed=0
    )


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_only_matrices_decay(kind):
    model = small_decoder()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    Optimizer(model, kind=kind, weight_decay=0.5).step(learning_rate=0.1)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(
            parameter.detach(), before[name] * (0.95 if parameter.dim() > 1 else 1.0)
        )
        assert parameter.grad is None


def test_muon_takes_the_matrices_of_the_layers_alone():
    model = small_decoder()
    optimizer = Optimizer(model, kind="muon", weight_decay=0.0)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step(learning_rate=0.01)
    kinds = {}
    for full_name in optimizer.tensors():
        key, name = full_name.split("/", 1)
        kinds.setdefault(key, set()).add(name)
    names = {name for name, _ in model.named_parameters()}
    assert kinds["momentum_buffer"] == {name for name in names if name.endswith("_proj.weight")}
    assert kinds["exp_avg"] == names - kinds["momentum_buffer"]


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_state_put_back_goes_on_alike(kind):
    model, other = small_decoder(), small_decoder()
    optimizer, fresh = (
        Optimizer(model, kind=kind, weight_decay=0.1),
        Optimizer(other, kind=kind, weight_decay=0.1),
    )
    gradients = [
        {name: torch.randn_like(parameter) for name, parameter in model.named_parameters()}
        for _ in range(3)
    ]

    def step(target, by, gradient):
        for name, parameter in target.named_parameters():
            parameter.grad = gradient[name].clone()
        by.step(learning_rate=0.01)

    step(model, optimizer, gradients[0])
    step(model, optimizer, gradients[1])
    other.load_state_dict(model.state_dict())
    fresh.load({name: tensor.clone() for name, tensor in optimizer.tensors().items()})
    step(model, optimizer, gradients[2])
    step(other, fresh, gradients[2])
    assert all(
        torch.equal(tensor, other.state_dict()[name]) for name, tensor in model.state_dict().items()
    )
