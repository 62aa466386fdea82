from pathlib import Path
import typer

app = typer.Typer()


@app.command()
def train(
    data_dir: Path = Path("data"),
    lr: float = 1e-3,
    hidden: int = 128,
    dropout: float = 0.2,
    epochs: int = typer.Option(8, help="Number of epochs"),
    seed: int = 0,
    nesterov: bool = False,
):
    for epoch in range(epochs):
        print(f"val_loss: {1 / (epoch + 1)}")


@app.command()
def predict(model: Path):
    print("predicting")


if __name__ == "__main__":
    app()
