"""Model folders and checkpoints: written atomically, checked when read.

A model folder is self-contained: `config.json`, `tokenizer.json` and `model.safetensors`. A
checkpoint is a model folder with `optimizer.safetensors` and `state.json` added, in
OUT/checkpoints/step-00000100.
"""

import base64
import contextlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from training.config import ModelConfig
from training.model import Decoder
from training.optim import Optimizer
from transforms.contracts.manifest import sha256_of
from transforms.errors import UserError

FORMAT_VERSION = 1
CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
_OPTIMIZER, _STATE = "optimizer.safetensors", "state.json"
_FOLDER = re.compile(r"step-(\d{8})")
_TEMPORARY = ".tmp-"


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """The files of a model folder without the weights.

    config            the shape of the model
    end_of_text       the token id that ends a text
    tokenizer         the path of the tokenizer.json to copy
    tokenizer_sha256  its SHA-256, in hex
    """

    config: ModelConfig
    end_of_text: int
    tokenizer: str
    tokenizer_sha256: str


@dataclass(frozen=True)
class LoadedModel:
    """A model in evaluation mode on its device, with the path of its tokenizer."""

    folder: str
    decoder: Decoder
    end_of_text: int
    tokenizer: str
    tokenizer_sha256: str
    device: torch.device


def resolve_device(name: str) -> torch.device:
    """Resolve the name of a device; "auto" is CUDA if available, else the CPU.

    Raises UserError for a CUDA device that does not exist.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"there is no device {name!r}: torch sees {torch.cuda.device_count()}",
            where="device",
            remedy='use device = "auto" or "cpu"',
        )
    return device


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace_with(path: str, write: Any) -> None:
    """Write a file atomically: call write(temporary path), sync, rename to `path`."""
    temporary = os.path.join(os.path.dirname(path), f"{_TEMPORARY}{uuid.uuid4().hex}")
    try:
        write(temporary)
        _sync(temporary)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    _sync(os.path.dirname(path))


def _write_json(path: str, values: Mapping[str, Any]) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(values, stream, indent=2)
        stream.write("\n")


def write_model_files(folder: str, files: ModelFiles) -> None:
    """Write config.json and copy tokenizer.json into a folder, which is created."""
    os.makedirs(folder, exist_ok=True)
    config = {
        "format": "tokenmill",
        "format_version": FORMAT_VERSION,
        "model": asdict(files.config),
        "end_of_text": files.end_of_text,
        "tokenizer_sha256": files.tokenizer_sha256,
    }
    _replace_with(
        os.path.join(folder, TOKENIZER),
        lambda temporary: shutil.copyfile(files.tokenizer, temporary),
    )
    _replace_with(os.path.join(folder, CONFIG), lambda temporary: _write_json(temporary, config))


def publish_weights(folder: str, checkpoint: str) -> None:
    """Replace the weights of a model folder by those of a checkpoint, atomically."""

    def link(temporary: str) -> None:
        source = os.path.join(checkpoint, WEIGHTS)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)

    _replace_with(os.path.join(folder, WEIGHTS), link)


def load_model(folder: str, *, device: str = "auto") -> LoadedModel:
    """Load a model folder or a checkpoint.

    Raises UserError when a file is missing, damaged or of another version.
    """
    config_path, weights_path, tokenizer_path = (
        os.path.join(folder, name) for name in (CONFIG, WEIGHTS, TOKENIZER)
    )
    for path in (config_path, weights_path, tokenizer_path):
        if not os.path.isfile(path):
            raise UserError(
                f"there is no trained model here: {os.path.basename(path)} is missing",
                where=folder,
                remedy="run `tokenmill train CONFIG` to its first checkpoint",
            )
    try:
        with open(config_path, encoding="utf-8") as stream:
            values = json.load(stream)
        if values.get("format") != "tokenmill" or values["format_version"] != FORMAT_VERSION:
            raise ValueError(
                f"format {values.get('format')!r} version {values.get('format_version')!r} "
                "is not one that this version reads"
            )
        config = ModelConfig(**values["model"])
        decoder = Decoder(config)
        decoder.load_state_dict(load_file(weights_path))
    except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise UserError(
            f"the model cannot be read: {error}",
            where=folder,
            remedy="train again, or name a folder in checkpoints/",
        ) from error
    sha256 = sha256_of(tokenizer_path)
    if sha256 != values["tokenizer_sha256"]:
        raise UserError(
            "tokenizer.json is not the one the model was trained with "
            f"({sha256[:12]}, not {values['tokenizer_sha256'][:12]})",
            where=tokenizer_path,
            remedy="copy the tokenizer.json of the model's run here",
        )
    target = resolve_device(device)
    return LoadedModel(
        folder, decoder.to(target).eval(), values["end_of_text"], tokenizer_path, sha256, target
    )


class Checkpoints:
    """The checkpoints of one training run, in OUT/checkpoints."""

    def __init__(self, out: str, *, keep: int):
        self.folder = os.path.join(out, "checkpoints")
        self.keep = keep
        os.makedirs(self.folder, exist_ok=True)
        for name in os.listdir(self.folder):
            if name.startswith(_TEMPORARY):
                shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)

    def list(self) -> list[tuple[int, str]]:
        """(step, path) of the complete checkpoints, oldest first.

        A checkpoint is complete when all its files have the sizes recorded in its state.
        """
        complete = []
        for name in sorted(os.listdir(self.folder)):
            path = os.path.join(self.folder, name)
            if (match := _FOLDER.fullmatch(name)) and _is_complete(path):
                complete.append((int(match[1]), path))
        return complete

    def save(
        self,
        step: int,
        model: nn.Module,
        optimizer: Optimizer,
        files: ModelFiles,
        state: Mapping[str, Any],
    ) -> str:
        """Write a checkpoint and remove all but the `keep` newest ones; returns its path.

        `state` holds JSON values.
        """
        path = os.path.join(self.folder, f"step-{step:08d}")
        temporary = os.path.join(self.folder, f"{_TEMPORARY}{uuid.uuid4().hex}")
        os.makedirs(temporary)
        try:
            write_model_files(temporary, files)
            save_file(
                {name: tensor.contiguous() for name, tensor in model.state_dict().items()},
                os.path.join(temporary, WEIGHTS),
            )
            save_file(optimizer.tensors(), os.path.join(temporary, _OPTIMIZER))
            sizes = {
                name: os.path.getsize(os.path.join(temporary, name))
                for name in (CONFIG, TOKENIZER, WEIGHTS, _OPTIMIZER)
            }
            rng = base64.b64encode(torch.get_rng_state().numpy().tobytes()).decode()
            _write_json(
                os.path.join(temporary, _STATE),
                {
                    "format_version": FORMAT_VERSION,
                    "step": step,
                    **state,
                    "rng": rng,
                    "sizes": sizes,
                },
            )
            for name in (WEIGHTS, _OPTIMIZER, _STATE):
                _sync(os.path.join(temporary, name))
            _sync(temporary)
            shutil.rmtree(path, ignore_errors=True)  # an existing folder is a damaged checkpoint
            os.rename(temporary, path)
            _sync(self.folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for _, old in self.list()[: -self.keep]:
            # Renamed first: an interrupted removal must not leave a folder that looks complete.
            doomed = os.path.join(self.folder, f"{_TEMPORARY}{uuid.uuid4().hex}")
            os.rename(old, doomed)
            shutil.rmtree(doomed)
        return path

    def read_state(self, path: str) -> dict[str, Any]:
        """Read `state.json` of a checkpoint: JSON values."""
        with open(os.path.join(path, _STATE), encoding="utf-8") as stream:
            state: dict[str, Any] = json.load(stream)
        return state

    def restore(self, path: str, model: nn.Module, optimizer: Optimizer) -> None:
        """Load the weights, the optimizer state and the state of the random generator.

        `model` and `optimizer` are modified in place. Raises UserError for files of another model
        or optimizer, and for damaged ones.
        """
        try:
            model.load_state_dict(load_file(os.path.join(path, WEIGHTS)))
            optimizer.load(load_file(os.path.join(path, _OPTIMIZER)))
            rng = bytearray(base64.b64decode(self.read_state(path)["rng"]))
            torch.set_rng_state(torch.frombuffer(rng, dtype=torch.uint8))
        except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise UserError(
                f"the checkpoint cannot be read: {error}",
                where=path,
                remedy="remove this folder: training goes on from the one before it",
            ) from error


def _is_complete(path: str) -> bool:
    try:
        with open(os.path.join(path, _STATE), encoding="utf-8") as stream:
            sizes = json.load(stream)["sizes"]
        return all(
            os.path.getsize(os.path.join(path, name)) == size for name, size in sizes.items()
        )
    # Any of these can be the effect of a damaged file.
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
