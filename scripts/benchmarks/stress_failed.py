"""How does a part of the stress run say that something is wrong? By an error, which no interpreter option turns off."""


class StressFailed(Exception):
    """A part found something wrong."""


def require(holds: bool, text: str) -> None:
    """Raise StressFailed with a text unless something holds."""
    if not holds:
        raise StressFailed(text)
