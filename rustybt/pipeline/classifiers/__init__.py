"""Which classifiers do users import?"""

from rustybt.pipeline.classifier import Classifier, CustomClassifier, Everything, Latest, Quantiles, Relabel

__all__ = ["Classifier", "CustomClassifier", "Everything", "Latest", "Quantiles", "Relabel"]
