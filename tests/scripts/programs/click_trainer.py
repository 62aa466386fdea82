import click


@click.command()
@click.argument("data", type=click.Path())
@click.option("--output", "-o", default="model.pkl", type=click.Path(), help="Where to write the model.")
@click.option("--learning-rate", "-lr", default=0.001, show_default=True, help="Step size of Adam.")
@click.option("--l2", default=0.0, help="Weight penalty.")
@click.option("--n-hidden", default=50, help="Hidden units.")
@click.option("--activation", default="relu", type=click.Choice(["relu", "tanh", "sigmoid"]))
@click.option("--epochs", default=30)
@click.option("--batchnorm/--no-batchnorm", default=True)
@click.option("--device", default="cpu")
@click.option("--jobs", default=1)
@click.option("-v", "--verbose", count=True)
def main(data, output, learning_rate, l2, n_hidden, activation, epochs, batchnorm, device, jobs, verbose):
    for epoch in range(epochs):
        click.echo(f"epoch {epoch} val_rmse={1 / (1 + epoch):.3f}")


if __name__ == "__main__":
    main()
