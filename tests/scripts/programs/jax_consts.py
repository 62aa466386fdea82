step_size = 0.001
num_epochs = 8
batch_size = 128
layer_sizes = [784, 512, 512, 10]
param_scale = 0.1
momentum_mass = 0.9
n_targets = 10
for epoch in range(num_epochs): print(f"Epoch {epoch}: Training set accuracy 0.9 Test set accuracy {0.8+epoch/100}")
