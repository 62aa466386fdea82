import click
@click.command()
@click.option("-l", "--lr", default=3e-4, show_default=True)
@click.option("-b", "--bs", "batch_size", default=32, type=click.IntRange(1))
@click.option("-e", "--num-epochs", default=8)
@click.option("--opt", type=click.Choice(["adam", "sgd", "adamw"]), default="adam")
@click.option("--dropout", default=0.3, type=click.FloatRange(0, 1))
@click.option("--hidden-size", default=128)
@click.option("--bidirectional/--no-bidirectional", default=True)
@click.option("--data", type=click.Path(), default="data.csv")
@click.option("--gpu", default=0)
def train(lr, batch_size, num_epochs, opt, dropout, hidden_size, bidirectional, data, gpu):
    for e in range(num_epochs): print(f"epoch {e} val_f1 {0.5+e/100}")
if __name__ == "__main__":
    train()
