import pytest
import torch
import torch.nn.functional as F

from training.loss import IGNORE, row_nats, summed_cross_entropy


@pytest.mark.parametrize("chunk", [1, 300, 1 << 22])
def test_loss_and_gradients_are_those_of_full_logits(chunk, monkeypatch):
    monkeypatch.setattr("training.loss._CHUNK_LOGITS", chunk)
    torch.manual_seed(0)
    hidden = torch.randn(3, 11, 24, requires_grad=True)
    weight = torch.randn(128, 24, requires_grad=True)
    targets = torch.randint(0, 50, (3, 11)).masked_fill(torch.rand(3, 11) < 0.4, IGNORE)
    logits = hidden @ weight[:50].T
    expected = F.cross_entropy(logits.view(-1, 50), targets.view(-1), reduction="sum")
    gradients = torch.autograd.grad(expected / 7, (hidden, weight))
    loss = summed_cross_entropy(hidden, weight, targets, vocabulary_size=50)
    torch.testing.assert_close(loss, expected)
    for mine, theirs in zip(
        torch.autograd.grad(loss / 7, (hidden, weight)), gradients, strict=True
    ):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-4)
    nats = row_nats(hidden, weight, targets, vocabulary_size=50)
    assert nats.dtype == torch.float64
    by_row = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").sum(1)
    torch.testing.assert_close(nats.float(), by_row)


def test_loss_under_autocast_is_near_that_in_float32():
    torch.manual_seed(0)
    hidden, weight = (
        torch.randn(40, 24, requires_grad=True),
        torch.randn(128, 24, requires_grad=True),
    )
    targets = torch.randint(0, 50, (40,))
    exact = summed_cross_entropy(hidden, weight, targets, vocabulary_size=50)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = summed_cross_entropy(hidden, weight, targets, vocabulary_size=50)
    assert rounded.dtype == torch.float32
    assert rounded.item() != exact.item()
    torch.testing.assert_close(rounded, exact, rtol=1e-2, atol=0)
    one, two = (torch.autograd.grad(loss, weight)[0] for loss in (exact, rounded))
    torch.testing.assert_close(one, two, rtol=0.1, atol=0.1)


def test_no_targets_no_loss():
    weight = torch.randn(128, 8, requires_grad=True)
    loss = summed_cross_entropy(
        torch.randn(4, 8, requires_grad=True), weight, torch.full((4,), IGNORE), vocabulary_size=50
    )
    loss.backward()
    assert loss == 0
    assert weight.grad.abs().max() == 0
