"""Which assets exist, under which symbol and when?"""

from rustybt.assets.equity import Asset, Equity
from rustybt.assets.finder import AssetFinder, SymbolOwner

__all__ = ["Asset", "AssetFinder", "Equity", "SymbolOwner"]
