from enum import Enum
from pathlib import Path
from typing import Annotated, Optional
import typer
class Optim(str, Enum):
    sgd = "sgd"
    adam = "adam"
app = typer.Typer(add_completion=False)
@app.command()
def train(
    root: Annotated[Path, typer.Argument()] = Path("data"),
    lr: Annotated[float, typer.Option("--lr", "-l", help="step size", min=0.0)] = 0.1,
    momentum: Annotated[float, typer.Option(max=1.0)] = 0.9,
    optim: Annotated[Optim, typer.Option(case_sensitive=False)] = Optim.sgd,
    n_layers: Annotated[int, typer.Option()] = 2,
    dropout: Annotated[Optional[float], typer.Option()] = None,
    batch: Annotated[int, typer.Option("--batch")] = 128,
    epochs: Annotated[int, typer.Option()] = 9,
    amp: Annotated[bool, typer.Option("--amp/--no-amp")] = False,
    seed: Annotated[int, typer.Option()] = 1337,
):
    for epoch in range(epochs):
        typer.echo(f"epoch={epoch} val_loss={1 / (1 + epoch)}")
if __name__ == "__main__":
    app()
