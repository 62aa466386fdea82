from transformers import TrainingArguments, Trainer
args = TrainingArguments(output_dir="o", num_train_epochs=4, learning_rate=2e-5, per_device_train_batch_size=16, per_device_eval_batch_size=64, weight_decay=0.01, warmup_ratio=0.1, lr_scheduler_type="cosine", eval_strategy="epoch", logging_steps=50, seed=1)
trainer = Trainer(model=model, args=args, train_dataset=tr, eval_dataset=ev)
trainer.train()
