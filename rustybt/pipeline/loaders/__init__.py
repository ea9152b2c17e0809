"""Where do a pipeline's columns come from?"""

from rustybt.pipeline.loaders.base import PipelineLoader
from rustybt.pipeline.loaders.frame import DataFrameLoader
from rustybt.pipeline.loaders.point_in_time import dataset_of

__all__ = ["DataFrameLoader", "PipelineLoader", "dataset_of"]
