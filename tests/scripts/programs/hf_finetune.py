"""Fine-tuning; HfArgumentParser as transformers has it, in little."""

from __future__ import annotations
import dataclasses
from argparse import ArgumentParser
from dataclasses import dataclass, field


class HfArgumentParser(ArgumentParser):
    def __init__(self, types):
        super().__init__()
        self.types = types
        for kind in types:
            for one in dataclasses.fields(kind):
                options = {"help": one.metadata.get("help"), "default": one.default}
                cast = {"float": float, "int": int, "str": str}.get(one.type.replace(" | None", ""))
                if one.type == "bool":
                    self.add_argument(
                        f"--{one.name}",
                        type=lambda text: text.lower() in ("1", "true"),
                        nargs="?",
                        const=True,
                        default=one.default,
                    )
                else:
                    self.add_argument(f"--{one.name}", type=cast, **options)

    def parse_args_into_dataclasses(self):
        namespace, _ = self.parse_known_args()
        return [kind(**{f.name: getattr(namespace, f.name) for f in dataclasses.fields(kind)}) for kind in self.types]


@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="bert-base-cased", metadata={"help": "Path to pretrained model"})
    task_name: str = field(default="mrpc")
    max_seq_length: int = field(default=128, metadata={"help": "The maximum total input sequence length"})


@dataclass
class TrainingArguments:
    output_dir: str = field(default="out")
    per_device_train_batch_size: int = field(default=8)
    per_device_eval_batch_size: int = field(default=8)
    gradient_accumulation_steps: int = field(default=1)
    learning_rate: float = field(default=5e-5, metadata={"help": "The initial learning rate for AdamW."})
    weight_decay: float = field(default=0.0)
    adam_beta1: float = field(default=0.9)
    adam_beta2: float = field(default=0.999)
    max_grad_norm: float = field(default=1.0)
    num_train_epochs: float = field(default=3.0)
    lr_scheduler_type: str = field(default="linear")
    warmup_ratio: float = field(default=0.0)
    logging_steps: int = field(default=500)
    fp16: bool = field(default=False)
    seed: int = field(default=42)
    label_smoothing_factor: float = field(default=0.0)


def main():
    parser = HfArgumentParser((ModelArguments, TrainingArguments))
    model_args, training_args = parser.parse_args_into_dataclasses()
    if training_args.lr_scheduler_type in ("linear", "cosine", "constant"):
        pass
    for epoch in range(int(training_args.num_train_epochs)):
        print({"eval_loss": 1 / (epoch + 1), "epoch": float(epoch)})


if __name__ == "__main__":
    main()
