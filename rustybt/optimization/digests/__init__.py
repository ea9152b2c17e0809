"""What tells two strategies apart? Digests of code and objects, the same in every process."""
