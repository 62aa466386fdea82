"""The words for each cause: what it means, how to check that a change helped, what else it could be, and the line.

All wording that is of a cause and not of a run is here. The value to try comes from `next_change`, the numbers that
were seen from the rules. What to write depends on the framework: where it has no line of its own, none is given, since
a wrong line is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tunewell.diagnosis.findings import NextChange
from tunewell.diagnosis.run_record import RunRecord


@dataclass(frozen=True, slots=True)
class Cause:
    """The words for one cause."""

    means: str
    """What holds the run back, in a sentence."""
    check: str
    """What is to be seen if the change helped."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Other causes that look alike, and what is seen if it is they."""


CAUSES: Mapping[str, Cause] = {
    "healthy": Cause(
        "nothing in what is known of the run holds it back by more than a few points",
        "a score that is known to be possible tells more: --target X",
    ),
    "lr_too_high": Cause(
        "steps are so long that they leap over what they aim at",
        "the loss falls from epoch to epoch, with no rise above where it began",
        {
            "unnormalised_inputs": "a lower rate only delays it",
            "exploding_gradients": "single steps have gradients many times the usual",
        },
    ),
    "lr_too_low": Cause(
        "steps are so short that the epochs do not suffice",
        "the loss falls in the first epoch by more than it did in all of them",
        {
            "frozen_layers": "the loss does not move at ten times the rate either",
            "loss_output_mismatch": "the loss levels off above zero at any rate",
        },
    ),
    "lr_decays_too_early": Cause(
        "the learning rate is next to nothing while there is still much to learn",
        "the loss goes on falling after the epoch in which it used to stop",
        {"model_too_small": "the loss had levelled off before the rate fell"},
    ),
    "too_few_epochs": Cause(
        "the training ended while it was still improving",
        "the curves have levelled off at the end",
        {"lr_too_low": "the loss falls as slowly as in the beginning, in a straight line"},
    ),
    "model_too_small": Cause(
        "the network cannot fit even the rows that it is trained on",
        "the training loss falls below where it had levelled off",
        {
            "lr_too_low": "a higher rate alone lowers the training loss",
            "dropout_too_high": "the training loss falls once dropout is off",
        },
    ),
    "overfitting": Cause(
        "training rows are learnt by heart, at the cost of new ones",
        "the validation loss no longer rises, and the gap to training is smaller",
        {
            "distribution_shift": "the gap was there from the first epoch",
            "labels_mismatched": "validation never got better than guessing",
        },
    ),
    "dropout_too_high": Cause(
        "so many units are switched off that too little gets through to learn from",
        "training rows are fitted better, and as well as when evaluated",
        {"model_too_small": "it is no better without dropout"},
    ),
    "weight_decay_too_high": Cause(
        "weights are pulled to zero more strongly than the loss pulls them anywhere",
        "the norm of the weights grows while the training loss falls",
        {"lr_too_low": "the norm of the weights hardly changes at all"},
    ),
    "batch_size_too_large": Cause(
        "there are too few steps for what there is to learn",
        "the loss falls further in as many epochs",
        {"lr_too_low": "a higher rate does as much for the loss"},
    ),
    "batch_size_too_small": Cause(
        "each step follows the noise of a few rows",
        "the loss jumps less from epoch to epoch, and ends lower",
        {"lr_too_high": "a lower rate calms it as well"},
    ),
    "bad_initialisation": Cause(
        "the network begins where signals or gradients are far too small or too large",
        "the first loss is that of guessing, and it falls within the first steps",
        {
            "unnormalised_inputs": "the inputs are what is out of scale",
            "lr_too_high": "the loss of the very first step is in order",
        },
    ),
    "unnormalised_inputs": Cause(
        "inputs come in a scale that makes the first layer's steps far too long or too short",
        "the loss of the first epoch is near that of guessing, and a usual learning rate works",
        {
            "lr_too_high": "the inputs have a spread near 1 already",
            "bad_initialisation": "scaled inputs make no difference",
        },
    ),
    "labels_mismatched": Cause(
        "labels do not belong to their rows, or not in the same way in both splits",
        "a simple model, too, gets well above guessing",
        {
            "overfitting": "validation was good at first",
            "distribution_shift": "labels are in order, and the inputs of the splits differ",
        },
    ),
    "loss_output_mismatch": Cause(
        "the last layer's output is not what the loss function takes",
        "the loss gets close to zero on a single batch",
        {
            "lr_too_low": "the loss falls slowly but on and on",
            "frozen_layers": "the loss does not move at all",
        },
    ),
    "dead_relus": Cause(
        "units that are zero for every row get no gradient, and never recover",
        "fewer units are zero for all rows, and the loss falls",
        {
            "lr_too_high": "units were alive before the first epoch",
            "unnormalised_inputs": "the inputs are far from a spread of 1",
        },
    ),
    "vanishing_gradients": Cause(
        "gradients fade on their way to the first layers, which hardly learn",
        "the first layer's gradient is within a few times of the last's",
        {
            "lr_too_low": "all layers have gradients of one size",
            "dead_relus": "units are zero for all rows",
        },
    ),
    "exploding_gradients": Cause(
        "single steps have gradients so large that they undo what was learned",
        "the norm of the gradients stays within a few times its usual size",
        {
            "lr_too_high": "all gradients are of one size",
            "unnormalised_inputs": "the inputs are what is large",
        },
    ),
    "batchnorm_misuse": Cause(
        "batch normalization uses other statistics in evaluation than the network was trained with",
        "training rows, evaluated as validation rows are, do as well as in training",
        {
            "distribution_shift": "training rows are evaluated well, validation rows are not",
            "overfitting": "the gap grew while training went on",
        },
    ),
    "frozen_layers": Cause(
        "part of the network, or all of it, takes no steps",
        "each layer's weights differ after an epoch",
        {
            "lr_too_low": "weights move, if only by little",
            "dead_relus": "layers have gradients of exactly zero",
        },
    ),
    "missing_zero_grad": Cause(
        "gradients of earlier steps are added to those of each new one",
        "the norm of the gradients no longer grows from step to step",
        {"lr_too_high": "zero_grad() is called before each backward()"},
    ),
    "class_imbalance": Cause(
        "the rare classes are too few to count in the loss",
        "the mean recall of the classes, or the F1 of the rare one, rises",
        {"labels_mismatched": "weights of the classes make the rare one no better"},
    ),
    "data_leak": Cause(
        "validation rows, or the answer itself, are part of what the network is trained on",
        "validation is worse than before, and what it says of new rows is true",
        {"healthy": "rows of the splits share nothing: then the task is easy, or validation rows are"},
    ),
    "distribution_shift": Cause(
        "validation rows are of another kind than training rows, or are prepared in another way",
        "mean and spread of both splits are alike, and so are their losses in the first epoch",
        {
            "overfitting": "the gap was small at first, and grew",
            "batchnorm_misuse": "training rows, too, are evaluated badly",
        },
    ),
}
"""By label."""

_ANY = "any"
_LIKE_PYTORCH = ("lightning", "fastai")
"""Frameworks whose networks are those of PyTorch; a line for PyTorch holds where they have no own."""
_OPTIMIZERS = {
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "nadam": "NAdam",
    "adagrad": "Adagrad",
}

_LINES: Mapping[str, Mapping[str, str]] = {
    "lr": {
        "pytorch": "optimizer = torch.optim.{Optimizer}(model.parameters(), lr={value})",
        "fastai": "learn.fit_one_cycle(n_epochs, lr_max={value})",
        "huggingface": "TrainingArguments(..., learning_rate={value})",
        "keras": "model.compile(optimizer=keras.optimizers.{Optimizer}(learning_rate={value}), ...)",
        "jax": "optimizer = optax.{optimizer}({value})",
        "sklearn": "MLPClassifier(..., learning_rate_init={value})",
        "tunewell": "nn.Trainer(..., optimizer=nn.{Optimizer}({value}))",
        "boosting": "params['learning_rate'] = {value}",
    },
    "lr_schedule": {
        "pytorch": "torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max={t_max}), stepped once an epoch",
        "huggingface": "TrainingArguments(..., lr_scheduler_type='cosine')",
        "keras": "keras.optimizers.schedules.CosineDecay(rate, decay_steps={t_max} * steps_per_epoch)",
    },
    "epochs": {
        "pytorch": "for epoch in range({value}):",
        "lightning": "Trainer(max_epochs={value})",
        "fastai": "learn.fit_one_cycle({value})",
        "huggingface": "TrainingArguments(..., num_train_epochs={value})",
        "keras": "model.fit(..., epochs={value})",
        "sklearn": "MLPClassifier(..., max_iter={value})",
        "boosting": "num_boost_round={value}",
    },
    "width": {
        "pytorch": "nn.Linear(n_inputs, {value})",
        "keras": "keras.layers.Dense({value}, activation='relu')",
        "sklearn": "MLPClassifier(hidden_layer_sizes=({value},), ...)",
        "tunewell": "nn.Network([n_inputs, {value}, n_outputs])",
    },
    "dropout": {
        "pytorch": "nn.Dropout({value})",
        "keras": "keras.layers.Dropout({value})",
        "tunewell": "nn.Network(..., dropout={value})",
    },
    "weight_decay": {
        "pytorch": "torch.optim.AdamW(model.parameters(), ..., weight_decay={value})",
        "huggingface": "TrainingArguments(..., weight_decay={value})",
        "keras": "keras.optimizers.AdamW(..., weight_decay={value})",
        "sklearn": "MLPClassifier(..., alpha={value})",
        "tunewell": "nn.SGD(rate, weight_decay={value})",
    },
    "early_stopping": {
        "keras": "keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)",
        "lightning": "EarlyStopping(monitor='val_loss', patience=5)",
        "huggingface": "EarlyStoppingCallback(early_stopping_patience=3), with load_best_model_at_end=True",
        "sklearn": "MLPClassifier(..., early_stopping=True)",
    },
    "batch_size": {
        "pytorch": "DataLoader(dataset, batch_size={value}, shuffle=True)",
        "huggingface": "TrainingArguments(..., per_device_train_batch_size={value})",
        "keras": "model.fit(x, y, batch_size={value}, ...)",
        "sklearn": "MLPClassifier(..., batch_size={value})",
        "tunewell": "nn.Trainer(..., batch_size={value})",
    },
    "init he": {
        "pytorch": "nn.init.kaiming_normal_(layer.weight, nonlinearity='relu'); nn.init.zeros_(layer.bias)",
        "keras": "keras.layers.Dense(n, activation='relu', kernel_initializer='he_normal')",
        "jax": "nn.Dense(n, kernel_init=nn.initializers.he_normal())",
    },
    "init glorot": {
        "pytorch": "nn.init.xavier_uniform_(layer.weight); nn.init.zeros_(layer.bias)",
        "keras": "keras.layers.Dense(n, kernel_initializer='glorot_uniform')",
        "jax": "nn.Dense(n, kernel_init=nn.initializers.glorot_uniform())",
    },
    "input_normalisation": {
        _ANY: "x = (x - x_train.mean(axis=0)) / x_train.std(axis=0), for every split",
        "keras": "normalize = keras.layers.Normalization(); normalize.adapt(x_train); it is the first layer",
        "sklearn": "make_pipeline(StandardScaler(), model)",
    },
    "input_normalisation regression": {
        _ANY: (
            "x = (x - x_train.mean(axis=0)) / x_train.std(axis=0) and y = (y - y_train.mean()) / y_train.std(), for "
            "every split; a prediction times y_train.std() plus y_train.mean() is in the units of before"
        ),
        "sklearn": "TransformedTargetRegressor(make_pipeline(StandardScaler(), model), transformer=StandardScaler())",
    },
    "data check_labels": {_ANY: "for row, label in zip(x_train[:20], y_train[:20]): print(label, row)"},
    "data check_split": {_ANY: "print(len({row.tobytes() for row in x_train} & {row.tobytes() for row in x_val}))"},
    "data check_shift": {_ANY: "print(x_train.mean(), x_train.std(), x_val.mean(), x_val.std())"},
    "loss": {
        "pytorch": "loss = nn.CrossEntropyLoss()(model(x), y), with nn.Linear(n, n_classes) last and no softmax",
        "huggingface": "return the logits from forward(), and pass labels= so that the model computes its loss",
        "keras": (
            "SparseCategoricalCrossentropy() after Dense(n_classes, activation='softmax'), or "
            "SparseCategoricalCrossentropy(from_logits=True) after Dense(n_classes)"
        ),
        "jax": "optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()",
    },
    "loss two": {
        "pytorch": "loss = nn.BCEWithLogitsLoss()(model(x).squeeze(1), y.float()), with nn.Linear(n, 1) last",
        "huggingface": "return the logits from forward(), and pass labels= so that the model computes its loss",
        "keras": (
            "BinaryCrossentropy() after Dense(1, activation='sigmoid'), or BinaryCrossentropy(from_logits=True) after "
            "Dense(1)"
        ),
        "jax": "optax.sigmoid_binary_cross_entropy(logits[:, 0], labels).mean()",
    },
    "loss regression": {
        "pytorch": "loss = nn.MSELoss()(model(x).squeeze(1), y), with nn.Linear(n, 1) last, both of shape (N,)",
        "keras": "Dense(1), with no activation, and y of shape (N, 1), with loss='mse'",
        "jax": "jnp.mean((model(x)[:, 0] - y) ** 2), both of shape (N,)",
    },
    "activation leaky_relu": {
        "pytorch": "nn.LeakyReLU(0.01)",
        "keras": "keras.layers.LeakyReLU(negative_slope=0.01)",
        "jax": "nn.leaky_relu(x)",
    },
    "activation relu": {
        "pytorch": "nn.ReLU()",
        "keras": "keras.layers.Dense(n, activation='relu')",
        "jax": "nn.relu(x)",
    },
    "activation tanh": {
        "keras": "keras.layers.LSTM(n), with its own activation, tanh",
        "pytorch": "nn.LSTM(n_inputs, n)",
    },
    "batch_norm": {
        "pytorch": "nn.BatchNorm1d(n), between nn.Linear(..., n) and its activation",
        "keras": "keras.layers.BatchNormalization(), between Dense(n) and its activation",
    },
    "layer_norm": {
        "pytorch": "x = x + block(nn.LayerNorm(n)(x))",
        "keras": "x = x + block(keras.layers.LayerNormalization()(x))",
        "jax": "x = x + block(nn.LayerNorm()(x))",
    },
    "grad_clip": {
        "pytorch": "torch.nn.utils.clip_grad_norm_(model.parameters(), {value}), between backward() and step()",
        "lightning": "Trainer(gradient_clip_val={value})",
        "huggingface": "TrainingArguments(..., max_grad_norm={value})",
        "keras": "keras.optimizers.{Optimizer}(..., clipnorm={value})",
        "jax": "optax.chain(optax.clip_by_global_norm({value}), optax.{optimizer}(rate))",
    },
    "bn_momentum": {
        "pytorch": "nn.BatchNorm1d(n, momentum={value})",
        "keras": "keras.layers.BatchNormalization(momentum={kept})",
    },
    "code fix": {
        "pytorch": "model.eval() before validation, model.train() before each epoch of training",
        "lightning": "",
        "huggingface": "",
        "keras": "model.evaluate(x_val, y_val), or model(x, training=False) in a loop of your own",
    },
    "trainable": {
        "pytorch": "optimizer = torch.optim.{Optimizer}(model.parameters(), ...), each with requires_grad True",
        "keras": "model.trainable = True, before model.compile(...)",
    },
    "code zero_grad": {
        "pytorch": "optimizer.zero_grad(), before each loss.backward()",
        **dict.fromkeys(_LIKE_PYTORCH, ""),
    },
    "class_weights": {
        "pytorch": "nn.CrossEntropyLoss(weight=counts.sum() / (len(counts) * counts))",
        "keras": "model.fit(..., class_weight={k: len(y) / (n_classes * (y == k).sum()) for k in range(n_classes)})",
        "sklearn": "class_weight='balanced', where the estimator takes it",
        "boosting": "scale_pos_weight=n_negative / n_positive",
    },
}
"""By the change, and by what it is where one word for it is not enough; then by framework. `{value}` is what to try."""


def line_of(change: NextChange, run: RunRecord) -> str:
    """Return what to write for a change in the framework of a run; "" if that is not known, or a part of the line."""
    lines = next((_LINES[key] for key in _keys(change, run) if key in _LINES), {})
    framework = str(run.config.get("framework", ""))
    line = lines.get(framework)
    if line is None and framework in _LIKE_PYTORCH:
        line = lines.get("pytorch")
    line = lines.get(_ANY, "") if line is None else line
    optimizer = str(run.config.get("optimizer", "")).lower()
    of = change.value if isinstance(change.value, Mapping) else {"value": change.value}
    parts: dict[str, object] = {
        "Optimizer": _OPTIMIZERS.get(optimizer),
        "optimizer": optimizer if optimizer in _OPTIMIZERS else None,
        "kept": None if not isinstance(change.value, float) else f"{1 - change.value:.3g}",
        **of,
    }
    for name, value in parts.items():
        if f"{{{name}}}" in line:
            if value is None:
                return ""
            line = line.replace(f"{{{name}}}", str(value))
    return line


def _keys(change: NextChange, run: RunRecord) -> tuple[str, ...]:
    """Return the keys of `_LINES` under which the line for a change may stand, the most exact first."""
    if change.param == "loss":
        kind = "regression" if run.task == "regression" else "two" if run.n_classes == 2 else ""
        return (f"loss {kind}", "loss")
    if change.param == "input_normalisation" and run.task == "regression":
        return ("input_normalisation regression",)
    return (f"{change.param} {change.value}", f"{change.param} {change.direction}", change.param)


def others_of(label: str, gone: Mapping[str, str]) -> str:
    """Return what else it could be, and what tells that; without causes that are impossible."""
    cause = CAUSES[label]
    return "; ".join(f"{other}, if {sign}" for other, sign in cause.others.items() if other not in gone)
