import click


@click.command(context_settings={"show_default": True})
@click.option("--lr", default=1e-3, type=float)
@click.option("--momentum", default=0.9, type=click.FloatRange(0, 1))
@click.option("--batch", "batch_size", default=64)
@click.option("--depth", type=click.IntRange(1, 12), default=4)
@click.option("--width", type=int, default=256)
@click.option("--nesterov/--no-nesterov", default=False)
@click.option("--epochs", default=25)
@click.option("--data-dir", type=click.Path(), default="data")
@click.option("--gpu", type=int, default=0)
def main(**kw):
    raise SystemExit(9)


if __name__ == "__main__":
    main()
