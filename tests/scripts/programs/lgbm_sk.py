import lightgbm as lgb
model = lgb.LGBMRegressor(n_estimators=2000, learning_rate=0.03, num_leaves=63, min_child_samples=20, feature_fraction=0.8, bagging_fraction=0.8, reg_alpha=0.1, reg_lambda=0.1, n_jobs=-1, random_state=1)
model.fit(X_tr, y_tr, eval_set=[(X_va, y_va)], eval_metric="rmse")
print("Validation RMSE:", rmse(y_va, model.predict(X_va)))
