import click
@click.group(context_settings={"show_default": True})
@click.option("--verbose/--quiet", default=False)
@click.pass_context
def cli(ctx, verbose):
    ctx.obj = {"verbose": verbose}
@cli.group()
def model():
    """Everything about models."""
@model.command("fit")
@click.argument("data", default="data.csv")
@click.option("--eta", "learning_rate", type=click.FloatRange(1e-6, 1.0), default=1e-2, help="learning rate")
@click.option("--l2", default=1e-4, type=float)
@click.option("--units", default=64, type=click.IntRange(8, 1024))
@click.option("--activation", type=click.Choice(["relu", "tanh", "gelu"]), default="relu")
@click.option("-n", "--num-epochs", default=7)
@click.option("--minibatch", default=16)
@click.option("--threads", default=2)
@click.option("--save-to", type=click.Path(), default="m.pkl")
def fit(data, learning_rate, l2, units, activation, num_epochs, minibatch, threads, save_to):
    for e in range(1, num_epochs + 1):
        click.echo(f"[{e}/{num_epochs}] val loss {1 / e:.4f}")
@model.command()
@click.option("--top-k", default=5)
def predict(top_k):
    click.echo(top_k)
if __name__ == "__main__":
    cli()
