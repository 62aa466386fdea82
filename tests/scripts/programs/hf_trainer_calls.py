from transformers import TrainingArguments
args = TrainingArguments(
    output_dir="out",
    learning_rate=5e-5,
    per_device_train_batch_size=8,
    per_device_eval_batch_size=16,
    weight_decay=0.01,
    warmup_ratio=0.1,
    num_train_epochs=3,
    lr_scheduler_type="cosine",
    logging_steps=10,
    seed=42,
)
for epoch in range(int(args.num_train_epochs)):
    print({"eval_loss": 1 / (epoch + 1), "epoch": epoch + 1.0})
