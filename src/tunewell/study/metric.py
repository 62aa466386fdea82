"""The direction in which a metric is better, where its name is known.

A name is known whole or not at all: `val_top_5_accuracy` is an accuracy of validation, but `accuracy_drop` is something
else, and to guess would let a study look for the worst. What a name may have besides is where it was measured (`val`,
`test`), how it was averaged (`macro`, `mean`), and at which rank (`top_5`, `@10`).
"""

from __future__ import annotations

import re

from tunewell.errors import SettingError
from tunewell.near_names import perhaps
from tunewell.space.mends import shown

_DIRECTIONS = ("minimize", "maximize")
_UP = frozenset(
    """
    acc accuracy balanced_accuracy accuracy_score balanced_accuracy_score exact_match em
    auc auroc roc_auc roc_auc_score pr_auc auprc average_precision average_precision_score ap map
    lrap label_ranking_average_precision label_ranking_average_precision_score
    f1 f1_score fbeta f_beta precision precision_score recall recall_score sensitivity specificity tpr tnr
    jaccard jaccard_score iou miou dice dice_score dice_coef dice_coefficient
    mcc matthews_corrcoef kappa cohen_kappa qwk pearson pearsonr spearman spearmanr concordance concordance_index
    r2 r2_score explained_variance explained_variance_score d2_absolute_error_score d2_brier_score d2_log_loss_score
    bleu bleu_score rouge rougel rouge_l meteor chrf ndcg dcg mrr hit hits hr hit_rate hit_ratio
    psnr ssim ms_ssim inception_score
    adjusted_rand_score adjusted_mutual_info_score normalized_mutual_info_score mutual_info_score rand_score v_measure
    v_measure_score completeness_score homogeneity_score fowlkes_mallows_score silhouette silhouette_score
    calinski_harabasz_score positive_likelihood_ratio
    reward episode_reward return episode_return rew ep_rew win_rate success_rate
    likelihood log_likelihood elbo score
    """.split()  # noqa: SIM905  a list of that length is not read
)
_DOWN = frozenset(
    """
    loss error err error_rate
    mse rmse mae mape smape msle rmsle mean_squared_error root_mean_squared_error mean_absolute_error
    mean_absolute_percentage_error mean_squared_log_error root_mean_squared_log_error median_absolute_error max_error
    squared_error absolute_error percentage_error squared_log_error mean_poisson_deviance mean_gamma_deviance
    poisson_deviance gamma_deviance deviance
    logloss log_loss cross_entropy crossentropy ce bce xent nll negative_log_likelihood neg_log_likelihood
    perplexity ppl perp wer cer ter bpc bpb bits_per_char bits_per_character bits_per_byte bits_per_dim
    brier brier_score brier_score_loss hinge huber kl kld kl_divergence
    hamming_loss zero_one_loss hinge_loss pinball_loss
    fid fid_score kid lpips eer ece fpr fnr davies_bouldin davies_bouldin_score negative_likelihood_ratio
    """.split()  # noqa: SIM905  as above
)
_AT_A_RANK = frozenset(
    {"acc", "ap", "auc", "hit", "hits", "hr", "map", "mrr", "ndcg", "prec", "recall", "rouge", "top"}
)
"""Of those that get better upwards, the ones that have a rank or a threshold right behind: `map50`, `top1`, `hr10`."""
_LOSSES = frozenset(
    """
    actor adversarial aux auxiliary bce binary box categorical ce class classification cls contrastive critic cross
    crossentropy ctc dice discriminator distillation entropy feature focal gan gen generator hinge huber kd kl l1 l2 lm
    log mae margin mask mlm mse nll perceptual policy ranking recon reconstruction reg regression seg segmentation
    smooth sparse td total triplet value vae
    """.split()  # noqa: SIM905  as above
)
"""Words that say of a `..._loss` which one it is."""
_BESIDE = frozenset(
    """
    val valid validation train training test testing dev eval evaluation holdout heldout cv fold set
    tr trn va vali tst te on
    mean avg average overall global macro micro weighted samples ovr ovo
    best final last epoch step ema
    coco bbox segm
    top k at binary categorical sparse multiclass multilabel masked
    token sequence data dataset dataloader idx instance pixel class node word char sentence
    """.split()  # noqa: SIM905  as above
)
"""Words that change nothing about the direction."""
_NUMBERED = frozenset({"top", "at", "fold", "val", "valid", "validation", "eval", "test"})


def direction_of(metric: str, direction: str | None = None) -> str:
    """Return `minimize` or `maximize`: as it is given, else as the metric's name has it.

    Raises:
        SettingError: the direction is neither, or the name is not known.
    """
    if metric and not isinstance(metric, str):
        raise SettingError(
            f"metric is the name of one reported number, such as 'val_accuracy', got {shown(metric)}; a study is for "
            "one of them, and the others that are reported are on record too"
        )
    if not metric:
        raise SettingError("the metric needs a name: the one it has in your reports, such as val_accuracy")
    if direction is not None:
        if direction not in _DIRECTIONS:
            raise SettingError(
                f"direction must be 'minimize' or 'maximize', got {direction!r}{perhaps(str(direction), _DIRECTIONS)}"
            )
        return direction
    parted = re.sub(r"([a-z])([A-Z])", r"\1_\2", metric)  # valLoss is val and loss, but mAP is one word
    # of eval/c4/CrossEntropyLoss the last part is what was measured, and the others are where
    for name in (metric.lower(), parted.lower(), parted.rpartition("/")[2].lower()):
        found = _direction(re.split(r"[_/.:@ -]", name))
        if found is not None:
            return found
    raise SettingError(
        f"whether {metric!r} is better high or low cannot be told from its name; "
        f"say direction='maximize' or 'minimize' (--direction on the command line)"
    )


def _direction(words: list[str]) -> str | None:
    """Return the direction of a name that is known; None of another."""
    if (known := _known("_".join(words))) is not None:
        return known
    if words[0] in ("neg", "negative") and len(words) > 1:  # scikit-learn's scorers: more is better in all of them
        inner = _direction(words[1:])
        return {"minimize": "maximize", "maximize": "minimize"}.get(inner or "")
    if len(words) > 1 and words[0] in _BESIDE:
        # the k of top_k, or of several sets: a number stands behind the word that it belongs to
        rest = words[2:] if words[0] in _NUMBERED and words[1].isdigit() else words[1:]
        return _direction(rest) if rest else None
    if re.fullmatch(r"top\d+", words[0]) and len(words) > 1:
        return _direction(words[1:])
    if len(words) > 1 and (words[-1] in _BESIDE or words[-1].isdigit()):
        return _direction(words[:-1])
    return None


def _known(name: str) -> str | None:
    ranked = re.fullmatch(r"([a-z]+)\d+", name)
    if name in _UP or (ranked and ranked[1] in _AT_A_RANK):
        return "maximize"
    if name in _DOWN or (name.endswith("_loss") and set(name.split("_")[:-1]) <= _LOSSES):
        return "minimize"
    return None
