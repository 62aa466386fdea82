"""
Title: Simple MNIST convnet
"""

# Model / data parameters
num_classes = 10
input_shape = (28, 28, 1)
batch_size = 128
epochs = 15


class Model:
    def fit(self, batch_size, epochs, validation_split):
        for epoch in range(epochs):
            print(
                f"Epoch {epoch + 1}/{epochs}\n100/100 - 1s - loss: 0.3 - val_loss: {1 / (epoch + 1) + batch_size * 1e-4:.4f}"
            )


model = Model()
model.fit(batch_size=batch_size, epochs=epochs, validation_split=0.1)
