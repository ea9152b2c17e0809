"""What did a run come to? Its perf frame, its metrics and its trades."""
