"""Where is the cache of history windows? It lives where windows are made; this is the path that users know."""

from rustybt.data.history_cache import HistoryCache, disable_history_cache, shared_history
from rustybt.data.history_counts import HistoryStatistics

__all__ = ["HistoryCache", "HistoryStatistics", "disable_history_cache", "shared_history"]
