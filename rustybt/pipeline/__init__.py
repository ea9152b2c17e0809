"""What do users import to ask all assets the same on every session? Pipelines and the kinds of their terms.

Some modules are imported so that methods of terms find the classes of what they make, see `term.term_class`.
"""

from rustybt.pipeline.cache import disable_pipeline_cache
from rustybt.pipeline.classifier import Classifier, CustomClassifier
from rustybt.pipeline.computable import ComputableTerm
from rustybt.pipeline.domain import Domain
from rustybt.pipeline.engine import PipelineEngine
from rustybt.pipeline.factor import CustomFactor, Factor
from rustybt.pipeline.factors import PeerCount as PeerCount
from rustybt.pipeline.filter import CustomFilter, Filter
from rustybt.pipeline.loaders import DataFrameLoader, dataset_of
from rustybt.pipeline.pipeline import Pipeline
from rustybt.pipeline.research import run_pipeline
from rustybt.pipeline.row_factors import Rank as Rank
from rustybt.pipeline.term import LoadableTerm, Term
from rustybt.pipeline.universal import UniversalMixin as UniversalMixin

__all__ = [
    "Classifier",
    "ComputableTerm",
    "CustomClassifier",
    "CustomFactor",
    "CustomFilter",
    "DataFrameLoader",
    "Domain",
    "Factor",
    "Filter",
    "LoadableTerm",
    "Pipeline",
    "PipelineEngine",
    "Term",
    "dataset_of",
    "disable_pipeline_cache",
    "run_pipeline",
]
