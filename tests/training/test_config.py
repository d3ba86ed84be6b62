import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from training.config import TrainConfig, model_config
from training.model import Decoder
from transforms.errors import ConfigError


def test_reading_the_configuration_does_not_import_torch():
    code = "import sys, training, training.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "values",
    [
        {"stepz": 1},
        {"steps": 0},
        {"model": "huge"},
        {"mixture": {"web": -1}},
        {"device": "tpu"},
        {"warmup": 1.5},
    ],
)
def test_wrong_values_are_refused(values):
    with pytest.raises(ValidationError):
        TypeAdapter(TrainConfig).validate_python(values)


def test_every_field_is_described():
    schema = TypeAdapter(TrainConfig).json_schema()
    assert [
        name for name, field in schema["properties"].items() if not field.get("description")
    ] == []


@pytest.mark.parametrize(
    "overrides", [{}, {"qk_norm": True}, {"model": "tiny"}, {"width": 96, "heads": 6, "layers": 3}]
)
def test_parameters_are_counted_as_the_model_has_them(overrides):
    shape = model_config(TrainConfig(**overrides), 1000, 64)
    assert shape.parameters == sum(parameter.numel() for parameter in Decoder(shape).parameters())


def test_nano_is_of_the_size_it_says():
    assert 1e6 < model_config(TrainConfig(), 4096, 256).parameters < 2e6
    assert 1.0e8 < model_config(TrainConfig(model="110m"), 32768, 1024).parameters < 1.2e8


@pytest.mark.parametrize(
    "overrides", [{"width": 130}, {"heads": 3}, {"heads": 128}, {"heads": 8, "kv_heads": 3}]
)
def test_heads_that_do_not_divide_are_refused(overrides):
    with pytest.raises(ConfigError, match="heads"):
        model_config(TrainConfig(**overrides), 1000, 64)


def test_learning_rate_is_the_models_own_unless_given():
    assert TrainConfig(learning_rate=0.5).peak_learning_rate == 0.5
    assert (
        TrainConfig(model="nano").peak_learning_rate > TrainConfig(model="110m").peak_learning_rate
    )
