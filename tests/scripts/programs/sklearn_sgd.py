from sklearn.linear_model import SGDClassifier
from sklearn.svm import SVC
clf = SVC(C=10.0, gamma=0.01, kernel="rbf")
clf.fit(X, y)
print("test accuracy", clf.score(Xt, yt))
