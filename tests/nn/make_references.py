"""Writes what PyTorch answers, in float64, as the small files that the tests of `tunewell.nn` compare with.

    pip install torch==2.13.0 numpy==2.4.6
    python tests/nn/make_references.py [FOLDER]

Nothing of tunewell is used here, so that neither side can repeat the other's mistake. Settings are JSON in the files;
of several cases in one file, `names` lists them, and the arrays of each are called "case/array".

Layouts of the trainings: `initial` and `final` are all weights as one vector, layer after layer: W (inputs, outputs)
row by row, then the bias, or gamma and beta where the layer is normalized. `running` is the mean and then the variance
of one normalized layer after the other. Masks of dropout are not stored but follow from `keys` (see `dropout_mask`).
"""

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

N_ROWS, BATCH, EPOCHS = 52, 16, 3  # three batches and a part of one
N_INPUTS, N_CLASSES = 6, 4
SEED = 20240607  # of the dropout in all trainings

ACTIVATIONS = {
    "relu": torch.relu,
    "leaky_relu": lambda z: functional.leaky_relu(z, 0.01),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": functional.gelu,
}

OPTIMIZERS = {
    "sgd": {"name": "SGD", "learning_rate": 0.1},
    "momentum": {"name": "SGD", "learning_rate": 0.05, "momentum": 0.9},
    "nesterov": {"name": "SGD", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
    "rmsprop": {"name": "RMSprop", "learning_rate": 0.01},
    "rmsprop_short": {"name": "RMSprop", "learning_rate": 0.02, "alpha": 0.5, "epsilon": 1e-3},
    "adam": {"name": "Adam", "learning_rate": 0.02},
    "adam_short": {"name": "Adam", "learning_rate": 0.05, "beta1": 0.5, "beta2": 0.8, "epsilon": 1e-3},
    "adamw": {"name": "AdamW", "learning_rate": 0.02, "weight_decay": 0.0},
}

SCHEDULES = {
    "constant": {"name": "Constant"},
    "step": {"name": "Step", "every": 4, "rate": 0.5},
    "exponential": {"name": "Exponential", "rate": 0.9},
    "cosine": {"name": "Cosine", "epochs": 12},
    "cosine_with_floor": {"name": "Cosine", "epochs": 12, "floor": 0.05},
    "warmup": {"name": "Warmup", "epochs": 3, "start": 0.1},
    "warmup_then_step": {"name": "Warmup", "epochs": 3, "then": {"name": "Step", "every": 4}},
    "warmup_then_cosine": {"name": "Warmup", "epochs": 3, "then": {"name": "Cosine", "epochs": 9}},
}


def torch_optimizer(settings, groups):
    """The optimizer that our settings mean."""
    names = {"learning_rate": "lr", "alpha": "alpha", "epsilon": "eps", "momentum": "momentum", "nesterov": "nesterov"}
    options = {names[key]: value for key, value in settings.items() if key in names}
    if "beta1" in settings:
        options["betas"] = (settings["beta1"], settings["beta2"])
    return getattr(torch.optim, settings["name"])(groups, **options)


def torch_schedule(settings, optimizer, steps):
    """The schedule that our settings mean, followed `steps` times in an epoch."""
    kinds = torch.optim.lr_scheduler
    base = optimizer.param_groups[0]["lr"]
    match settings["name"]:
        case "Constant":
            return kinds.LambdaLR(optimizer, lambda _: 1.0)
        case "Step":
            return kinds.StepLR(optimizer, settings["every"] * steps, gamma=settings.get("rate", 0.1))
        case "Exponential":
            return kinds.ExponentialLR(optimizer, gamma=settings["rate"] ** (1 / steps))
        case "Cosine":
            floor = settings.get("floor", 0.0) * base
            return kinds.CosineAnnealingLR(optimizer, T_max=settings["epochs"] * steps, eta_min=floor)
        case "Warmup":
            length = settings["epochs"] * steps
            line = kinds.LinearLR(optimizer, start_factor=settings.get("start", 0.01), total_iters=length)
            then = torch_schedule(settings.get("then", {"name": "Constant"}), optimizer, steps)
            return kinds.SequentialLR(optimizer, [line, then], milestones=[length])


def activations():
    """Each activation and what it hands back, also far out and at zero, where some have a kink."""
    rng = np.random.default_rng(1)
    z = np.concatenate([rng.normal(size=40) * 3, [0.0, 1e-9, -1e-9, 40.0, -40.0, 800.0, -800.0]]).reshape(-1, 1)
    da = rng.normal(size=z.shape)
    arrays = {"names": list(ACTIVATIONS), "z": z, "da": da}
    for name, function in ACTIVATIONS.items():
        inputs = torch.tensor(z, requires_grad=True)
        outputs = function(inputs)
        outputs.backward(torch.tensor(da))
        arrays |= {f"{name}/a": outputs, f"{name}/dz": inputs.grad}
    return arrays


def batch_norm():
    """Training on five batches, the last smaller, and evaluation after them."""
    rng = np.random.default_rng(2)
    cases = {"usual": {}, "other": {"momentum": 0.3, "epsilon": 1e-2}}
    arrays = {"names": list(cases)}
    for name, settings in cases.items():
        layer = torch.nn.BatchNorm1d(
            5, momentum=settings.get("momentum", 0.1), eps=settings.get("epsilon", 1e-5), dtype=torch.float64
        )
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(rng.normal(1, 0.3, 5)))
            layer.bias.copy_(torch.tensor(rng.normal(size=5)))
        arrays |= {f"{name}/settings": json.dumps(settings), f"{name}/gamma": layer.weight, f"{name}/beta": layer.bias}
        for i, m in enumerate([8, 8, 8, 8, 3]):
            z = torch.tensor(rng.normal(size=(m, 5)) * [1, 10, 0.1, 1, 1] + [0, 5, 0, -3, 1], requires_grad=True)
            dy = torch.tensor(rng.normal(size=(m, 5)))
            layer.zero_grad()
            y = layer(z)
            y.backward(dy)
            batch = {"z": z, "dy": dy, "y": y, "dz": z.grad, "dgamma": layer.weight.grad, "dbeta": layer.bias.grad}
            batch |= {"running_mean": layer.running_mean, "running_variance": layer.running_var}
            arrays |= {f"{name}/{i}/{key}": plain(value) for key, value in batch.items()}
        layer.eval()
        z = torch.tensor(rng.normal(size=(4, 5)) * 3)
        arrays |= {f"{name}/evaluate/z": z, f"{name}/evaluate/y": layer(z)}
    return arrays


def losses():
    """Each loss and its gradient by the logits, for moderate logits and for very large ones."""
    rng = np.random.default_rng(3)
    m, k = 9, 4
    logits = {"moderate": rng.normal(size=(m, k)) * 2, "large": rng.normal(size=(m, k)) * 1e4}
    labels = rng.integers(k, size=m)
    class_weights = np.array([0.5, 1.0, 2.0, 3.5])
    bits, values = rng.integers(2, size=(m, k)).astype(float), rng.normal(size=(m, k))
    y, w, b, v = torch.tensor(labels), torch.tensor(class_weights), torch.tensor(bits), torch.tensor(values)
    cases = {
        "softmax": lambda z: functional.cross_entropy(z, y),
        "softmax_smoothed": lambda z: functional.cross_entropy(z, y, label_smoothing=0.1),
        "softmax_weighted": lambda z: functional.cross_entropy(z, y, weight=w),
        # PyTorch weights the smoothed target of every class by that class's weight, not the row's
        "softmax_smoothed_weighted": lambda z: functional.cross_entropy(z, y, weight=w, label_smoothing=0.1),
        "sigmoid": lambda z: functional.binary_cross_entropy_with_logits(z, b, reduction="sum") / m,
        "sigmoid_one_output": lambda z: functional.binary_cross_entropy_with_logits(z[:, :1], b[:, :1]),
        "squared": lambda z: functional.mse_loss(z, v, reduction="sum") / (2 * m),
    }
    arrays = {"names": list(cases), "labels": labels, "class_weights": class_weights, "smoothing": 0.1}
    arrays |= {"bits": bits, "values": values} | logits
    for size, z in logits.items():
        for name, loss in cases.items():
            inputs = torch.tensor(z, requires_grad=True)
            value = loss(inputs)
            value.backward()
            arrays |= {f"{name}/{size}/loss": value, f"{name}/{size}/dz": inputs.grad}
    return arrays


def optimizers():
    """Twenty steps of each on a noisy quadratic: gradient = curvature @ (theta - target) + noise."""
    rng = np.random.default_rng(4)
    n, steps = 6, 20
    root = rng.normal(size=(n, n))
    problem = {"curvature": root @ root.T / n + 0.1 * np.eye(n), "target": rng.normal(size=n)}
    problem |= {"noise": 0.3 * rng.normal(size=(steps, n)), "initial": rng.normal(size=n)}
    factors = np.linspace(1, 0.3, steps)
    arrays = problem | {"names": [], "factors": factors}
    curvature, target, noise = (torch.tensor(problem[key]) for key in ("curvature", "target", "noise"))
    for name, settings in OPTIMIZERS.items():
        for decay in (0.0, 0.1):
            theta = torch.tensor(problem["initial"], requires_grad=True)
            optimizer = torch_optimizer(settings, [{"params": [theta], "weight_decay": decay}])
            path = []
            for step in range(steps):
                optimizer.param_groups[0]["lr"] = settings["learning_rate"] * factors[step]
                theta.grad = curvature @ (theta.detach() - target) + noise[step]
                optimizer.step()
                path.append(plain(theta))
            case = f"{name}_decay" if decay else name
            arrays["names"].append(case)
            arrays |= {f"{case}/settings": json.dumps(settings | {"weight_decay": decay}), f"{case}/path": path}
    return arrays


def schedules():
    """The factor of each at the start of every epoch, and at each of five steps in every epoch."""
    arrays = {"names": list(SCHEDULES), "steps_per_epoch": [1, 5]}
    for name, settings in SCHEDULES.items():
        arrays[f"{name}/settings"] = json.dumps(settings)
        for steps in (1, 5):
            arrays[f"{name}/{steps}"] = factors_of(settings, 12 * steps + 1, steps)
    return arrays


def factors_of(settings, n, steps_per_epoch):
    """What PyTorch's schedule multiplies a learning rate with at each of n steps."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    schedule = torch_schedule(settings, optimizer, steps_per_epoch)
    factors = []
    for _ in range(n):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return factors


def clipping():
    """Gradients of three shapes, clipped to a norm far below theirs, just below it and above it."""
    rng = np.random.default_rng(5)
    gradients = [rng.normal(size=shape) for shape in [(4, 3), (3,), (3, 2)]]
    norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients))
    limits = np.array([0.1, 0.9, 1.5]) * norm
    arrays = {"gradient": np.concatenate([gradient.ravel() for gradient in gradients]), "limits": limits, "norm": norm}
    for i, limit in enumerate(limits):
        weights = [torch.zeros(gradient.shape, dtype=torch.float64) for gradient in gradients]
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = torch.tensor(gradient)
        torch.nn.utils.clip_grad_norm_(weights, limit)
        arrays[f"clipped/{i}"] = np.concatenate([plain(weight.grad).ravel() for weight in weights])
    return arrays


def mix(x):
    """Lowbias32 (Ellis): scrambles the bits of an unsigned 32 bit number."""
    x = np.asarray(x, np.uint32)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def dropout_key(step, layer):
    """The key of a mask: of the step, from 0, and the layer, from 1."""
    with np.errstate(over="ignore"):
        return mix(mix(mix(SEED) ^ np.uint32(step)) ^ np.uint32(layer))


def dropout_mask(step, layer, shape, keep):
    """Which elements stay: those whose place, row by row, hashes to less than the share that is kept."""
    places = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape)
    with np.errstate(over="ignore"):
        return torch.tensor(mix(dropout_key(step, layer) + places) < keep * 2.0**32)


class Dense(torch.nn.Module):
    """Layers of W, [batch norm,] activation, [batch norm,] dropout; a last one of W and bias."""

    def __init__(self, settings, rng):
        super().__init__()
        self.settings = settings
        sizes, norm = settings["sizes"], settings["norm"]
        last = len(sizes) - 2
        self.linears, self.norms = torch.nn.ModuleList(), torch.nn.ModuleList()
        for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
            linear = torch.nn.Linear(n_in, n_out, bias=norm is None or layer == last, dtype=torch.float64)
            with torch.no_grad():
                linear.weight.copy_(torch.tensor(rng.normal(size=(n_in, n_out)) * np.sqrt(2 / n_in)).T)
                if linear.bias is not None:
                    linear.bias.copy_(torch.tensor(rng.normal(size=n_out) * 0.1))
            self.linears.append(linear)
            if norm is not None and layer < last:
                self.norms.append(self._batch_norm(n_out, rng))

    def _batch_norm(self, n, rng):
        momentum, epsilon = self.settings.get("norm_momentum", 0.1), self.settings.get("norm_epsilon", 1e-5)
        made = torch.nn.BatchNorm1d(n, momentum=momentum, eps=epsilon, dtype=torch.float64)
        with torch.no_grad():
            made.weight.copy_(torch.tensor(rng.normal(1, 0.1, n)))
            made.bias.copy_(torch.tensor(rng.normal(0, 0.1, n)))
        return made

    def forward(self, x, step=None):
        keep = 1 - self.settings["dropout"]
        for layer, linear in enumerate(self.linears[:-1]):
            x = linear(x)
            if self.settings["norm"] == "before":
                x = self.norms[layer](x)
            x = ACTIVATIONS[self.settings["activation"]](x)
            if self.settings["norm"] == "after":
                x = self.norms[layer](x)
            if self.training and keep < 1:
                x = x * dropout_mask(step, layer + 1, x.shape, keep) / keep
        return self.linears[-1](x)

    def flat(self):
        """All weights in the layout that the module's docstring describes."""
        parts = []
        for layer, linear in enumerate(self.linears):
            parts.append(plain(linear.weight).T)
            if linear.bias is not None:
                parts.append(linear.bias)
            else:
                parts += [self.norms[layer].weight, self.norms[layer].bias]
        return flattened(parts)

    def running(self):
        """Running mean and variance of one normalized layer after the other."""
        return flattened([part for norm in self.norms for part in (norm.running_mean, norm.running_var)])

    def groups(self, weight_decay):
        """Weights decay; nothing else does."""
        weights = [linear.weight for linear in self.linears]
        others = [parameter for parameter in self.parameters() if all(parameter is not weight for weight in weights)]
        groups = [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
        return [group for group in groups if group["params"]]


def batch_loss(settings, logits, targets, rows):
    """The mean over rows, or their weighted mean; of several outputs, the sum."""
    counts = torch.tensor(settings.get("sample_weights", [1.0] * N_ROWS), dtype=torch.float64)[rows]
    match settings["loss"]:
        case "softmax":
            given = settings.get("class_weights")
            weights = None if given is None else torch.tensor(given, dtype=torch.float64)
            smoothing = settings.get("label_smoothing", 0.0)
            if "sample_weights" not in settings:
                return functional.cross_entropy(logits, targets, weight=weights, label_smoothing=smoothing)
            each = functional.cross_entropy(
                logits, targets, weight=weights, label_smoothing=smoothing, reduction="none"
            )
            counted = counts if weights is None else counts * weights[targets]
            return (counts * each).sum() / counted.sum()
        case "sigmoid":
            each = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1)
        case "squared":
            each = functional.mse_loss(logits, targets, reduction="none").sum(1) / 2
    return (counts * each).sum() / counts.sum()


def training(settings, data, seed):
    """A network trained for a few epochs: what it started from and what came of it."""
    network = Dense(settings, np.random.default_rng(seed))
    arrays = {"settings": json.dumps(settings), "initial": network.flat()}
    optimizer = torch_optimizer(settings["optimizer"], network.groups(settings["optimizer"].get("weight_decay", 0.0)))
    n_batches = -(-N_ROWS // BATCH)
    schedule = torch_schedule(settings.get("schedule", {"name": "Constant"}), optimizer, n_batches)
    x, targets = torch.tensor(data["x"]), torch.tensor(data[settings["targets"]])
    means, step = [], 0
    for order in data["orders"]:
        total = 0.0
        for rows in np.split(order, range(BATCH, N_ROWS, BATCH)):
            loss = batch_loss(settings, network(x[rows], step), targets[rows], rows)
            optimizer.zero_grad()
            loss.backward()
            if "clip" in settings:
                torch.nn.utils.clip_grad_norm_(network.parameters(), settings["clip"])
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
            step += 1
        means.append(total / N_ROWS)
    network.eval()
    layers = range(1, len(settings["sizes"]) - 1)
    keys = [[int(dropout_key(s, layer)) for layer in layers] for s in range(step)]
    return arrays | {
        "final": network.flat(),
        "running": network.running(),
        "losses": means,
        "logits": network(x),
        "keys": np.array(keys, np.uint32).reshape(step, len(layers)),
    }


def training_data():
    """Rows for all trainings, with targets of each kind, and the order of the rows in each epoch."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(N_ROWS, N_INPUTS))
    return {
        "x": x,
        "labels": np.argmax(x[:, :N_CLASSES] + 0.5 * rng.normal(size=(N_ROWS, N_CLASSES)), axis=1),
        "bits": (np.stack([x[:, 0] + x[:, 1], x[:, 2]], axis=1) > 0).astype(float),
        "values": np.stack([np.sin(x[:, 0]) + x[:, 1], x[:, 2] * x[:, 3]], axis=1),
        "orders": np.stack([rng.permutation(N_ROWS) for _ in range(EPOCHS)]),
        "batch_size": BATCH,
        "seed": SEED,
    }


USUAL = {
    "sizes": [N_INPUTS, 12, 8, N_CLASSES],
    "activation": "relu",
    "norm": None,
    "dropout": 0.0,
    "loss": "softmax",
    "targets": "labels",
    "optimizer": {"name": "Adam", "learning_rate": 0.02, "weight_decay": 0.05},
}


def trainings_of(norm):
    """Every optimizer, with dropout and without, where batch norm stands at `norm`."""
    cases = {}
    for name in ("nesterov", "rmsprop", "adam", "adamw"):
        for dropout in (0.0, 0.25):
            optimizer = OPTIMIZERS[name] | {"weight_decay": 0.05}
            cases[f"{name}_dropout" if dropout else name] = USUAL | {
                "norm": norm,
                "dropout": dropout,
                "optimizer": optimizer,
            }
    return trained(cases)


def other_trainings():
    """One other setting at a time, then many at once."""
    deep = [N_INPUTS, 8, 7, 6, N_CLASSES]
    counts = [0.25 + row % 7 for row in range(N_ROWS)]
    cases = {
        **{name: USUAL | {"activation": name} for name in ACTIVATIONS if name != "relu"},
        "no_hidden_layer": USUAL | {"sizes": [N_INPUTS, N_CLASSES]},
        "deep": USUAL | {"sizes": deep, "norm": "before"},
        "sigmoid_loss": USUAL | {"sizes": [N_INPUTS, 8, 2], "loss": "sigmoid", "targets": "bits"},
        "squared_loss": USUAL | {"sizes": [N_INPUTS, 8, 2], "loss": "squared", "targets": "values"},
        "label_smoothing": USUAL | {"label_smoothing": 0.1},
        "class_weights": USUAL | {"class_weights": [0.5, 1.0, 2.0, 3.5]},
        "norm_settings": USUAL | {"norm": "before", "norm_momentum": 0.3, "norm_epsilon": 1e-2},
        "clip": USUAL | {"optimizer": OPTIMIZERS["momentum"], "clip": 0.5},
        "schedule": USUAL | {"schedule": {"name": "Cosine", "epochs": 3, "floor": 0.1}},
        "all": USUAL
        | {
            "sizes": deep,
            "activation": "gelu",
            "norm": "after",
            "dropout": 0.25,
            "label_smoothing": 0.1,
            "class_weights": [0.5, 1.0, 2.0, 3.5],
            "clip": 1.0,
            "schedule": {"name": "Warmup", "epochs": 1, "then": {"name": "Cosine", "epochs": 2}},
        },
        "sample_weights": USUAL | {"norm": "before", "sample_weights": counts},
        "sample_and_class_weights": USUAL | {"sample_weights": counts, "class_weights": [0.5, 1.0, 2.0, 3.5]},
        "squared_loss_sample_weights": USUAL
        | {"sizes": [N_INPUTS, 8, 2], "loss": "squared", "targets": "values", "sample_weights": counts},
    }
    return trained(cases)


def trained(cases):
    """The data, and each case's training."""
    arrays = training_data()
    results = {name: training(settings, arrays, seed) for seed, (name, settings) in enumerate(cases.items())}
    arrays["names"] = list(cases)
    return arrays | {f"{name}/{key}": array for name, result in results.items() for key, array in result.items()}


def plain(array):
    """A copy as a NumPy array."""
    return array.detach().numpy().copy() if isinstance(array, torch.Tensor) else np.array(array)


def flattened(parts):
    """All parts as one vector, row by row."""
    return np.concatenate([np.zeros(0), *(plain(part).ravel() for part in parts)])


REFERENCES = {
    "activations": activations,
    "batch_norm": batch_norm,
    "losses": losses,
    "optimizers": optimizers,
    "schedules": schedules,
    "clipping": clipping,
    "training_without_norm": lambda: trainings_of(None),
    "training_norm_before": lambda: trainings_of("before"),
    "training_norm_after": lambda: trainings_of("after"),
    "training_others": other_trainings,
}


def main(folder):
    """Write all files."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in REFERENCES.items():
        np.savez_compressed(folder / f"{name}.npz", **{key: plain(array) for key, array in make().items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "references")
