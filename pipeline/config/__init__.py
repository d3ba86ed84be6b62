"""The configuration of a run: one TOML file, its typed schema, and the commented file that `tokenmill init` writes."""

from pipeline.config.load import config_toml, config_values, load_config, parse_config, stage_values
from pipeline.config.schema import Config, ShardsConfig, TokenizerConfig
from pipeline.config.template import commented_template

__all__ = [
    "Config",
    "ShardsConfig",
    "TokenizerConfig",
    "commented_template",
    "config_toml",
    "config_values",
    "load_config",
    "parse_config",
    "stage_values",
]
