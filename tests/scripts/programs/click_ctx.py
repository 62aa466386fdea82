import click
@click.group()
def cli(): pass
@cli.command()
@click.argument("data", type=click.Path())
@click.option("--learning-rate", type=float, default=0.1, help="Step size.")
@click.option("--max-depth", type=int, default=5)
@click.option("--n-trees", type=int, default=100)
@click.option("--verbose", is_flag=True)
@click.option("--label-smoothing", type=float, default=0.0)
def fit(data, **kw): print("val_acc", 0.5)
@cli.command()
def predict(): pass
if __name__ == "__main__": cli()
