from catboost import CatBoostClassifier
model = CatBoostClassifier(iterations=1000, learning_rate=0.05, depth=6, l2_leaf_reg=3, bagging_temperature=0.8, random_seed=42, verbose=100, eval_metric="AUC")
model.fit(Xt, yt, eval_set=(Xv, yv))
