"""Trains, evaluates and samples from a language model on token shards, without Beam.

The functions `train`, `evaluate` and `generate` are imported from the modules of these names:
`from training.train import train`. PyTorch is imported once a name that needs it is used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.checkpoint import LoadedModel, load_model
    from training.config import ModelConfig, TrainConfig, model_config
    from training.data import Batch, RowReader, Rows, ShardFolder, make_batch
    from training.evaluate import Evaluation, Score, evaluate_decoder, unigram_loss
    from training.events import Evaluated, Event, Saved, Started, Stepped, TrainResult
    from training.generate import Generation, Piece, Sampling, TextGenerator, stream
    from training.model import Decoder
    from training.order import MixtureSchedule
else:
    from transforms.lazy_exports import export_lazily

    __getattr__, __dir__ = export_lazily(
        __name__,
        {
            ".checkpoint": "LoadedModel load_model",
            ".config": "ModelConfig TrainConfig model_config",
            ".data": "Batch RowReader Rows ShardFolder make_batch",
            ".evaluate": "Evaluation Score evaluate_decoder unigram_loss",
            ".events": "Evaluated Event Saved Started Stepped TrainResult",
            ".generate": "Generation Piece Sampling TextGenerator stream",
            ".model": "Decoder",
            ".order": "MixtureSchedule",
        },
    )

__all__ = [
    "Batch",
    "Decoder",
    "Evaluated",
    "Evaluation",
    "Event",
    "Generation",
    "LoadedModel",
    "MixtureSchedule",
    "ModelConfig",
    "Piece",
    "RowReader",
    "Rows",
    "Sampling",
    "Saved",
    "Score",
    "ShardFolder",
    "Started",
    "Stepped",
    "TextGenerator",
    "TrainConfig",
    "TrainResult",
    "evaluate_decoder",
    "load_model",
    "make_batch",
    "model_config",
    "stream",
    "unigram_loss",
]
