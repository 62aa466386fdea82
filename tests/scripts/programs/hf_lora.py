from dataclasses import dataclass, field
from transformers import HfArgumentParser, TrainingArguments


@dataclass
class LoraArgs:
    lora_r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.05
    model_name: str = "gpt2"


if __name__ == "__main__":
    a, t = HfArgumentParser((LoraArgs, TrainingArguments)).parse_args_into_dataclasses()
    raise SystemExit(3)
