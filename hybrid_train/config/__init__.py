"""What a run is told: a TOML file (or the same tables as a dict), checked as a whole before anything starts."""

from hybrid_train.config.load import load_config
from hybrid_train.config.schema import Config, FinderConfig, NetworkConfig, RunConfig, TrainingConfig

__all__ = ["Config", "FinderConfig", "NetworkConfig", "RunConfig", "TrainingConfig", "load_config"]
