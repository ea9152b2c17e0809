"""How are ingested versions deleted from the command line?"""

import click

from rustybt.data.bundles import clean as clean_bundle


@click.command()
@click.option("-b", "--bundle", required=True, metavar="NAME", help="The bundle.")
@click.option("-e", "--before", metavar="TIME", help="Delete what was ingested before this time (UTC).")
@click.option("-a", "--after", metavar="TIME", help="Delete what was ingested after this time (UTC).")
@click.option("-k", "--keep-last", type=int, metavar="N", help="Delete all but the newest N.")
def clean(bundle: str, before: str | None, after: str | None, keep_last: int | None) -> None:
    """Delete ingested versions of a bundle, and what the cache holds of them."""
    removed = clean_bundle(bundle, before, after, keep_last)
    for path in sorted(removed):
        click.echo(f"deleted {path}")
    if not removed:
        click.echo("nothing to delete")
