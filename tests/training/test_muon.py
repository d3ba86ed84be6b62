"""Muon moves matrices as the reference does, whatever its precision."""

import pytest
import torch

import training.muon
from training.muon import Muon, orthogonalised

SHAPES = [(8, 8), (24, 8), (8, 24), (8, 8), (24, 8)]


def matrices(seed: int) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


@pytest.mark.parametrize("shape", [(16, 16), (16, 48), (48, 16)])
def test_singular_vectors_stay_and_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    given = torch.randn(3, *shape) * torch.tensor([1e-3, 1.0, 1e3])[:, None, None]
    for before, after in zip(given, orthogonalised(given), strict=True):
        left, _, right = torch.linalg.svd(before, full_matrices=False)
        rotated = left.mT @ after @ right.mT
        values = torch.diagonal(rotated)
        assert values.min() > 0.5
        assert values.max() < 1.3
        assert (rotated - torch.diag(values)).abs().max() < 1e-3


def test_a_matrix_of_zeros_stays_one() -> None:
    assert torch.equal(orthogonalised(torch.zeros(1, 4, 6)), torch.zeros(1, 4, 6))


def test_steps_are_those_of_torch_but_for_its_bfloat16() -> None:
    ours, theirs = matrices(0), matrices(0)
    muon = Muon(ours, lr=0.01, weight_decay=0.1)
    reference = torch.optim.Muon(theirs, lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for step in range(6):
        for left, right, gradient in zip(ours, theirs, matrices(step + 1), strict=True):
            left.grad, right.grad = gradient.detach(), gradient.detach()
        muon.step()
        reference.step()
    for start, left, right in zip(matrices(0), ours, theirs, strict=True):
        torch.testing.assert_close(
            muon.state[left]["momentum_buffer"], reference.state[right]["momentum_buffer"]
        )
        moved = (left - start).norm()
        assert moved > 0.01
        assert (left - right).norm() < 0.02 * moved


def test_a_matrix_without_a_gradient_is_left_alone() -> None:
    first, second = torch.nn.Parameter(torch.ones(4, 4)), torch.nn.Parameter(torch.ones(4, 4))
    first.grad = torch.eye(4)
    Muon([first, second], lr=0.1, weight_decay=0.1).step()
    assert torch.equal(second, torch.ones(4, 4))
    assert not torch.equal(first, torch.ones(4, 4))


def test_how_many_matrices_go_together_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = []
    for elements in (1, 200, 1 << 22):
        monkeypatch.setattr(training.muon, "_STACK_ELEMENTS", elements)
        parameters = matrices(0)
        muon = Muon(parameters, lr=0.01, weight_decay=0.1)
        for parameter, gradient in zip(parameters, matrices(1), strict=True):
            parameter.grad = gradient.detach()
        muon.step()
        moved.append(parameters)
    for others in moved[1:]:
        for left, right in zip(moved[0], others, strict=True):
            torch.testing.assert_close(left, right)
