from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
x, y = load_digits(return_X_y=True)
xt, xv, yt, yv = train_test_split(x, y, test_size=0.25, random_state=0)
clf = MLPClassifier(hidden_layer_sizes=(64,), alpha=1e-4, learning_rate_init=1e-3, batch_size=64, max_iter=20, random_state=1)
clf.fit(xt, yt)
print("val_accuracy:", clf.score(xv, yv))
