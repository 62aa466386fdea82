"""A training that is steered: `python trained.py STORE SECONDS` trains trials of a study, an epoch each SECONDS."""

import sys
import time

import tunewell as tw


class Descent:
    """What is trained: a loss that falls towards a floor, which the learning rate sets."""

    loss = 2.3

    def step(self, rate):
        floor = 0.1 + abs(rate - 0.01)
        self.loss = floor + 0.8 * (self.loss - floor)

    def state_dict(self):
        return {"loss": self.loss}

    def load_state_dict(self, state):
        self.loss = state["loss"]


def train(run):
    model = Descent()
    run.track(model=model)
    for _ in run.epochs(200):
        time.sleep(float(sys.argv[2]))
        model.step(run.params.learning_rate)
        run.report(val_loss=model.loss, train_loss=0.9 * model.loss)


if __name__ == "__main__":
    tw.tune(
        train,
        tw.Space(
            learning_rate=tw.Float(1e-4, 1.0, scale="log", live=True, default=0.1),
            optimizer=tw.Choice(["sgd", "adam"]),
        ),
        metric="val_loss",
        store=sys.argv[1],
        name="steered",
        max_epochs=200,
        budget="2000epochs",
        scheduler="full",
        checkpoint_every=1,
    )
