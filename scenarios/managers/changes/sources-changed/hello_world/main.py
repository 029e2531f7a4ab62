"""Prints a greeting."""

import click


@click.command()
def main() -> None:
    """Greet the world."""
    # The greeting goes to standard output.
    click.echo("Hello, World!")


if __name__ == "__main__":
    main()
