"""Which bundles are there?"""

import click

from rustybt.cli.ingest import contents
from rustybt.data.bundles import VersionRecord, available
from rustybt.data.bundles.layout import data_root

SHOWN_OF_FINGERPRINT = 12


@click.command()
def bundles() -> None:
    """List the bundles that can be ingested, and the versions that were."""
    for bundle in available():
        click.echo(bundle.name + ("" if bundle.versions else " (not ingested yet)"))
        if bundle.description:
            click.echo(f"  {bundle.description}")
        for version in reversed(bundle.versions):
            click.echo(f"  {version_line(version)}")
    click.echo(f"in {data_root()}")


def version_line(version: VersionRecord) -> str:
    """Say when a version was made and what it holds."""
    when = version.ingested.strftime("%Y-%m-%d %H:%M:%S")
    if version.manifest is None:
        return f"{when}  damaged: ingest again, and remove it with rustybt clean"
    return f"{when}  {contents(version.manifest)}  {version.manifest.fingerprint[:SHOWN_OF_FINGERPRINT]}"
