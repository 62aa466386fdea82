import enum, typer

app = typer.Typer()


class Opt(str, enum.Enum):
    adam = "adam"
    sgd = "sgd"
    rmsprop = "rmsprop"


@app.command()
def train(
    data: str = "d.csv",
    optimizer: Opt = Opt.adam,
    lr: float = typer.Option(0.01, "--lr"),
    hidden_size: int = 100,
    num_layers: int = 2,
    dropout_rate: float = 0.1,
    epochs: int = 15,
    seed: int = 42,
    verbose: bool = True,
):
    raise SystemExit(2)


@app.command()
def evaluate(path: str): ...


if __name__ == "__main__":
    app()
