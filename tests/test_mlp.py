"""`fit mlp`: to the bit what a script with torch.nn does after the same seed."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from cli_runner import run
from torch import Tensor, nn

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.descent.network import ACTIVATIONS, TASKS, draw
from autograd_cli.engine.descent.training import Training
from autograd_cli.settings import Descent, Settings


def fit(*words: str) -> dict[str, Any]:
    done = run("fit", "mlp", *words, "--json")
    assert done.code == 0
    content: dict[str, Any] = json.loads(done.out)
    return content


def textbook(seed: int, dtype: torch.dtype) -> tuple[nn.Sequential, Tensor, Tensor]:
    """The script: the layers first, then the inputs, then the targets."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 5, dtype=dtype), nn.ReLU(), nn.Linear(5, 2, dtype=dtype))
    return model, torch.randn(4, 3, dtype=dtype), torch.randn(4, 2, dtype=dtype)


@pytest.mark.parametrize(("seed", "dtype"), [(42, "float64"), (7, "float64"), (42, "float32")])
def test_training_is_torch_s_to_the_bit(seed: int, dtype: str) -> None:
    model, x, y = textbook(seed, getattr(torch, dtype))
    content = fit("--seed", str(seed), "--dtype", dtype, "--steps", "60")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    for name, parameter in zip(["W1", "b1", "W2", "b2"], model.parameters(), strict=True):
        assert content["parameters"][name] == parameter.tolist()
    assert content["loss"] == nn.functional.mse_loss(model(x), y).item()


def test_gd_is_the_loop_by_hand_to_the_bit() -> None:
    model, x, y = textbook(42, torch.float64)
    content = fit("--optimizer", "gd", "--steps", "60")
    for _ in range(60):
        model.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.1 * parameter.grad
    for name, parameter in zip(["W1", "b1", "W2", "b2"], model.parameters(), strict=True):
        assert content["parameters"][name] == parameter.tolist()


def test_adam_is_torch_s_to_the_bit() -> None:
    model, x, y = textbook(42, torch.float64)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    content = fit("--optimizer", "adam", "--lr", "0.01", "--steps", "40")
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    assert content["parameters"]["W1"] == next(model.parameters()).tolist()


def test_the_first_step_in_five_stages() -> None:
    model, x, y = textbook(42, torch.float64)
    content = fit()
    stages = content["stages"]
    assert [one["stage"] for one in stages] == ["forward", "loss", "backward", "update", "zero"]
    assert [(one["name"], one["shape"]) for one in stages[0]["tensors"]] == [
        ("X", [4, 3]),
        ("Z1", [4, 5]),
        ("A1", [4, 5]),
        ("Z2", [4, 2]),
    ]
    loss = nn.functional.mse_loss(model(x), y)
    assert stages[1]["value"] == loss.item()
    loss.backward()
    for one, parameter in zip(stages[2]["gradients"], model.parameters(), strict=True):
        assert one["shape"] == list(parameter.shape)
        assert parameter.grad is not None
        assert one["gradient_norm"] == parameter.grad.norm().item()
        assert one["gradient_mean"] == parameter.grad.mean().item()
    for one, parameter in zip(stages[3]["changes"], model.parameters(), strict=True):
        assert parameter.grad is not None
        assert one["change_norm"] == pytest.approx(0.1 * parameter.grad.norm().item())
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert stages[4]["loss_after"] == nn.functional.mse_loss(model(x), y).item()


def test_the_flow_is_that_of_every_step() -> None:
    model, x, y = textbook(42, torch.float64)
    content = fit("--steps", "10")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    weights = [one for one in model.parameters() if one.dim() == 2]
    norms: list[list[float]] = []
    for _ in range(11):
        model.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        norms.append([one.grad.norm().item() for one in weights if one.grad is not None])
        optimizer.step()
    for layer, one in enumerate(content["gradient_flow"]):
        row = [step[layer] for step in norms]
        assert (one["first"], one["last"]) == (row[0], row[-1])
        assert (one["least"], one["greatest"]) == (min(row), max(row))


def test_vanishing_is_warned_of() -> None:
    content = fit("--hidden", "8,8,8,8,8,8", "--activation", "sigmoid", "--steps", "5")
    (warning,) = content["warnings"]
    assert warning.startswith("the gradient vanishes on its way back: layer 1's is ")
    assert warning.endswith("; fewer layers or another --activation help")
    assert fit("--steps", "5")["warnings"] == []


@pytest.mark.parametrize(
    ("words", "least"),
    [
        (["--task", "xor"], 1.0),
        (["--task", "xor", "--optimizer", "adam", "--hidden", "8"], 1.0),
        (["--task", "moons", "--steps", "200"], 0.95),
    ],
)
def test_classification_is_learned(words: list[str], least: float) -> None:
    assert fit(*words)["accuracy"] >= least


def test_moons_are_two_half_circles_with_noise() -> None:
    settings = Settings(seed=1)
    network = draw("moons", (4,), "tanh", 201, settings, resolve(settings))
    assert (network.x.shape, network.y.shape) == ((201, 2), (201, 1))
    upper, lower = network.x[:101], network.x[101:]
    noise = (upper.norm(dim=1) - 1).std()
    assert 0.05 < float(noise) < 0.15
    assert float(((lower - torch.tensor([1.0, 0.5])).norm(dim=1) - 1).abs().max()) < 0.5
    assert network.y.flatten().tolist() == [0.0] * 101 + [1.0] * 100


def test_torch_s_own_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.randn(3).tolist()
    torch.manual_seed(5)
    settings = Settings(seed=1)
    draw("regression", (5,), "relu", 4, settings, resolve(settings))
    assert torch.randn(3).tolist() == expected


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_every_activation_trains(name: str) -> None:
    content = fit("--activation", name, "--steps", "20", "--lr", "0.05")
    assert content["converged"]


def test_the_tasks_of_the_engine_are_those_of_the_command() -> None:
    from autograd_cli.commands.fit.mlp import NAMES

    assert tuple(TASKS) == NAMES


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["--hidden", "0"],
            "error: --hidden needs sizes from 1 to 4096 with commas, not '0'\n"
            "  hint: for example --hidden 16,16\n",
        ),
        (
            ["--hidden", "5,,3"],
            "error: --hidden needs sizes from 1 to 4096 with commas, not '5,,3'\n"
            "  hint: for example --hidden 16,16\n",
        ),
        (
            ["--activation", "rely"],
            "error: unknown activation 'rely'\n  hint: did you mean 'relu'? known: relu, tanh,"
            " sigmoid, gelu, silu, elu, softplus, leaky_relu, identity\n",
        ),
        (
            ["--task", "spirals"],
            "error: unknown task 'spirals'\n  hint: known: regression, moons, xor\n",
        ),
        (
            ["--task", "moons", "--optimizer", "lm"],
            "error: the optimizer 'lm' does not fit the task 'mlp': it needs residuals, the squares"
            " of which are summed\n  hint: it has: gd, sgd, momentum, nesterov, rmsprop, adam,"
            " adamw, lbfgs, newton\n",
        ),
        (
            ["--batch-size", "2", "--optimizer", "lbfgs"],
            "error: the optimizer 'lbfgs' needs the whole loss, not batches of it\n"
            "  hint: leave --batch-size out, or use --optimizer adam\n",
        ),
    ],
)
def test_bad_input(words: list[str], error: str) -> None:
    done = run("fit", "mlp", *words)
    assert (done.code, done.out, done.err) == (2, "", error)


def test_exploding_is_warned_of() -> None:
    """A deep tanh network of large weights is chaotic, and its gradients grow on their way back (B.
    Poole et al., "Exponential expressivity in deep neural networks through transient chaos", 2016).
    """
    settings = Settings(seed=3)
    drawn = draw("regression", (32,) * 20, "tanh", 8, settings, resolve(settings))
    large = {name: 10 * one if name[0] == "W" else one for name, one in drawn.start.items()}
    descent = Descent(steps=1, optimizer="gd", learning_rate=1e-16)
    training = Training("regression", replace(drawn, start=large), descent, resolve(settings))
    for _ in training.steps():
        pass
    (warning,) = training.result().warnings
    layers = [nn.Linear(a, b, dtype=torch.float64) for a, b in itertools.pairwise(drawn.sizes)]
    for number, layer in enumerate(layers, 1):
        layer.weight.data, layer.bias.data = large[f"W{number}"], large[f"b{number}"]
    value = drawn.x
    for layer in layers[:-1]:
        value = torch.tanh(layer(value))
    nn.functional.mse_loss(layers[-1](value), drawn.y).backward()
    first, last = (one.weight.grad.square().mean().sqrt() for one in (layers[0], layers[-1]))
    assert first / last > 1e3
    assert warning == (
        f"the gradient explodes on its way back: layer 1's is {first / last:.2g} of layer 21's at"
        " the start (root mean squares); fewer layers or a smaller learning rate help"
    )
