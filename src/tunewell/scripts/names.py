"""The names of settings, as the field uses them: what is never tuned, what is and how, other reasons to leave one out.

A name is looked at between underscores: `lr` fits `lr`, `base_lr` and `lr_backbone`; `*` stands for the rest of a word
or of the name, and `>` for its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tunewell.scripts import ranges
from tunewell.scripts.libraries.setting import Setting
from tunewell.scripts.ranges import IN_STEPS, Facts, Make, counted, log, near_one, powers, share
from tunewell.space import ready_made
from tunewell.space.params import Float, Param

_PARTS = {
    "INOUT": "(in|input|out|output|obs|observation|state|action|act|target|source|src|tgt)",
    "COUNT": "(n|num|nb|max|min|total|number_of)",
    "PART": "((train|training|data|input|output)_)",
    "THING": "(image|img|im|input|frame|resize|patch|resolution|crop|sample|context|chunk|block|seq|sequence|grid|data"
    "|train|dataset|subset|sentence|text|token*)",
    "CHANCE": "(_?(prob*|p|ratio|rate|frac*|degrees?|magnitude|strength|jitter|scale|erase))",
    "TOTAL": "(max|total|num|n|train|training|tot|nb)",
    "USE": "((use|no|with|enable)_)",
}
"""Parts of names that several habits have."""


def _fits(words: str) -> re.Pattern[str]:
    """Return what finds one of some words in a name between underscores."""
    for part, meaning in _PARTS.items():
        words = words.replace(part, meaning)
    whole = (word.replace("*", r"\w*").replace(">", "(?=_$)") for word in words.split())
    return re.compile(f"_(?:{'|'.join(whole)})_")


def _penalty(setting: Setting, facts: Facts) -> Param | str:
    """Return the strength of a penalty on the weights; a `weight_decay` near 1 is a factor of something else."""
    return ranges.decay(setting, facts) if "decay" in setting.name.lower() else ranges.weight_decay(setting, facts)


def _schedule(setting: Setting, facts: Facts) -> Param | str:
    """Return the name of a schedule, or the factor that it has."""
    is_factor = setting.kind in ("float", "number")
    return ranges.decay(setting, facts) if is_factor else ranges.named(setting, facts)


def _share_or_count(setting: Setting, facts: Facts) -> Param | str:
    """Return a probability, a number of times, or one of several names."""
    if setting.kind in ("float", "number"):
        return share(Float(0.0, 1.0, tier=3))(setting, facts)
    return counted(3)(setting, facts) if setting.kind == "int" else ranges.named(setting, facts)


def _name_or_number(setting: Setting, facts: Facts) -> Param | str:
    return ranges.named(setting, facts) if setting.kind in ("str", "other") else ranges.number(setting, facts)


def _period(setting: Setting, facts: Facts) -> Param | str:
    """Return after how many epochs or steps a rate falls; a `step_size` that is no whole number is a rate itself."""
    return ranges.rate(setting, facts) if setting.kind == "float" else counted(3, least_high=5)(setting, facts)


def _trace(setting: Setting, facts: Facts) -> Param | str:
    """Return the lambda of returns; one that is not near 1 is the factor of a term."""
    is_near_one = isinstance(setting.default, int | float) and 0.8 <= setting.default < 1
    return (
        near_one(Float(0.8, 0.999, scale="log1m", tier=3))(setting, facts)
        if is_near_one
        else ranges.coefficient(setting, facts)
    )


def _criterion(setting: Setting, facts: Facts) -> Param | str:
    """Return what a tree splits by; of a network it is the loss."""
    of_trees = {"gini", "entropy", "squared_error", "friedman_mse", "log_loss"} & {*map(str, setting.choices)}
    return ranges.named(setting, facts) if of_trees else "is the goal, not the way"


def _count_of(setting: Setting, facts: Facts) -> Param | str:
    return "is text" if setting.kind == "str" else ranges.number(setting, facts)


def _is_of_data(setting: Setting, _: Facts) -> Param | str:
    return "is the size of the data" if setting.kind != "str" else "is text"


LENGTH = re.compile(
    r"((n|nb|no|num|number_of|max|total|tot|train|training|num_train|n_train|max_train|num_training|total_train)_?)?"
    r"(epoch|epochs|nepochs?|num_epochs?|max_epochs?|epochs?_(num|number|count|total|max))|max_num_epochs"
)
ROUNDS = frozenset(["niter", "n_iter", "iters", "num_iter", "iterations", "n", "e", "rounds", "passes", "num_passes"])
LENGTH_IN_WORDS = re.compile(r"\bepochs\b")
SEEDS = frozenset(
    ["seed", "random_seed", "manual_seed", "rng_seed", "random_state", "randomseed", "global_seed", "train_seed"]
)

OF_EVALUATION = re.compile(
    r"beam search|when (evaluating|testing|decoding)|(at|during) (evaluation|inference|test)|for (evaluation|testing)\b"
)
OF_DATA = re.compile(
    r"(number|num) of (input|image|colou?r) channels|(size|dimension) of the (input|output|data)|\binput (size|dim)"
)
CHANNELS = _fits("n?(um)?_?channels n_?c nch")
"""Where they are 1 or 3 they are those of an image."""
NEVERTHELESS = _fits(
    """
    log_std* log_alpha* log_sigma* logstd target_(update|network|entropy|kl|tau|noise)* soft_target*
    (update|policy|train|actor)_(every|freq*|interval) data_aug* test_time_weight freeze* use_(bn|batch_?norm|dropout)
    per_(device|gpu|core)_(train_)?batch(_size)? batch_size_per_(gpu|device) (clip|clipping)_val(ue)?
    drop_?path* droppath*
    lora_(r|rank|alpha|dropout) init_(lr|learning_rate|std|scale) save_loss_weight num_experts* max_(features|samples)
    """
)
"""What holds a word of those that are never tuned, and is tuned."""
NEVER: Sequence[tuple[str, re.Pattern[str]]] = (
    ("is a seed", _fits("seeds? random_state randomseed rng")),
    (
        "is about evaluating",
        _fits(
            """
            eval* valid val validate validation tests? testing infer inference predict* dev holdout generate* beam*
            sampl(e|ing)_temperature temperature_sampl*
            """
        ),
    ),
    (
        "is a device",
        _fits(
            """
            devices? gpus? gpuid n_?gpus? cuda no_cuda cpu tpu* mps accelerator num_nodes nnodes node* local_rank
            world_size rank dist distributed ddp* fsdp* backend port host* addr* master* deepspeed strategy platform
            """
        ),
    ),
    (
        "is about workers",
        _fits(
            "n?_?workers? n_?jobs jobs n?threads process(es)? nproc* procs prefetch* pin_memory num_cpus? n(um)?_?envs"
        ),
    ),
    (
        "is about what is printed and kept",
        _fits(
            """
            logs? logging logger logdir print* reports? verbos* debug wandb* tensorboard tb mlflow comet neptune vis
            visuali[sz]e plots? display* progress* tqdm track* entity project experiment tags? notes? message fig*
            saves?
            saving checkpoints? ckpts? checkpointing snapshot* record capture* video render export* upload push* hub*
            keep_(last|best|n|all|checkpoints) save_*
            """
        ),
    ),
    (
        "is a path",
        _fits(
            """
            paths? dirs? directory folder files? filename root* url uri *dir config cfg conf yaml json csv resume*
            (re)?load* restore* init_from pretrained cache*
            """
        ),
    ),
    ("ends trainings early, which is tunewell's part", _fits("early_?stop* min_delta es_*")),
    ("is an id", _fits("ids? idx index version uuid user(name)? run_name exp_name job* name")),
    (
        "is about speed, not about learning",
        _fits(
            """
            amp fp16 bf16 fp32 half precision mixed_precision compile jit dtype tf32 channels_last deterministic
            benchmark gpu_mem* memory_(limit|fraction) max_memory timeout dry* profil* download* overwrite force smoke*
            quick fast_dev_run dataloader_* ignore_data_skip skip_memory* sync* async* opt_level sleep use_cpu
            """
        ),
    ),
)
TUNED: Sequence[tuple[re.Pattern[str], Make]] = (
    (_fits("(max|min|n|num)_?(t|ep_?len*|steps_per_episode) *per_episode"), lambda *_: IN_STEPS),
    (_fits("warmup* warm_?up* pct_start (num|n)_warmup* *_warmup* burn_in_epochs"), ranges.warmup),
    (
        _fits(
            """
            lr_?(schedule|scheduler|policy|sched|decay_(type|style)|anneal*)*
            (scheduler|schedule|sched)(_type|_name)?>
            """
        ),
        _schedule,
    ),
    (
        _fits("(min|final|end|minimum|last)_?(lr|learning_rate) (lr|learning_rate)_?(min|final|end) eta_min lrf"),
        log(Float(1e-7, 1e-3, scale="log", tier=4, default=1e-6)),
    ),
    (
        _fits(
            """
            (lr|learning_rate)_?(decay|drop|step)?_?(epochs?|steps?|every|iters?|interval|period|size|milestones?)
            (lr|learning_rate)_(drop|every) decay_(steps?|epochs?|every|iters?|interval) step_?size step_?lr*
            milestones? t_?max t_?0 decay_at
            """
        ),
        _period,
    ),
    (_fits("(lr|plateau|scheduler|sched|reduce*)_patience"), counted(4)),
    (
        _fits(
            """
            (lr|learning_rate|wd|weight_decay|l2)_?(exp|exponent|log|log10|pow|power)
            log(_?10)?_?(lr|learning_rate|wd|weight_decay|l2)
            """
        ),
        ranges.exponent,
    ),
    (_fits("lr_(mult*|ratio|scale) *_lr_(mult*|ratio|scale) (backbone|head|encoder)_(mult*)"), ranges.coefficient),
    (
        _fits(
            """
            (lr|learning_rate)_?(decay|factor|gamma|reduce*|drop|reduction|lambda)* decay_(rate|factor) factor
            (reduce|plateau|reduction|sched*)_factor layer_decay llrd gamma_decay lrd exp_decay
            """
        ),
        ranges.decay,
    ),
    (
        _fits(
            """
            [bs]?lr lrs learning_?rates? learn_rate lrate lr_?0 eta eta_?0 l_rate lr_* *_lr *learning_rate*
            step_?length stepsize lr[a-z]
            """
        ),
        ranges.rate,
    ),
    (_fits("(adam_)?beta_?1 b1 adam_?b1 beta_one"), near_one(ready_made.beta1())),
    (_fits("(adam_)?beta_?2 b2 adam_?b2 beta_two"), near_one(ready_made.beta2())),
    (
        _fits("(clip_(coef|range|ratio|eps*|param)|eps_clip|cliprange|ppo_clip|policy_clip)*"),
        share(Float(0.05, 0.5, tier=3)),
    ),
    (
        _fits(
            """
            (start|end|init|initial|final|min|max)_?(e|eps|epsilon|exploration*)
            (eps|epsilon)_?(start|end|final|min|max|init*|greedy|frac*)
            exploration*
            """
        ),
        _share_or_count,
    ),
    (
        _fits("(eps|epsilon)_?decay* decay_(eps|epsilon)"),
        lambda s, f: (ranges.decay if s.kind == "float" else counted(3, factor=10))(s, f),
    ),
    (_fits("(adam|opt|layer_?norm|norm|rms*)?_?(eps|epsilon) adam_?e"), ranges.epsilon),
    (
        _fits("(ema|polyak|swa|averag*)_?(decay|momentum|rate|beta|coef*|alpha|tau|m)? decay_ema"),
        near_one(Float(0.9, 0.9999, scale="log1m", tier=3)),
    ),
    (_fits("momentum mom *_momentum momentum_*"), ranges.momentum),
    (
        _fits(
            """
            weight_?decay* wd w_?decay l_?2* reg regulari[sz]* reg_* weight_penalty lambda_l2 *_l2 *_weight_decay *_wd
            *_reg
            """
        ),
        _penalty,
    ),
    (_fits("l_?1* lambda_l1 *_l1 sparsity*"), log(Float(1e-6, 1e-1, scale="log", tier=3))),
    (_fits("decay"), ranges.decay),
    (
        _fits(
            "(max_)?(grad*|gradient)_?(clip*|norm*) clip_?grad* clip_?norm* clip_?value max_norm clip clipping gclip"
        ),
        ranges.clip,
    ),
    (_fits("label_?smooth* smoothing smooth smoothing_*"), share(Float(0.0, 0.3, tier=3))),
    (_fits("mixup* mix_up* cutmix* cut_mix*"), share(Float(0.0, 1.0, tier=3))),
    (
        _fits(
            """
            *drop_?out* drop* *_drop dp do p_?drop* *_pdrop keep_?prob keep_?rate stochastic_depth* layerdrop
            word_?drop* sd_(prob|rate)
            """
        ),
        ranges.dropout,
    ),
    (
        _fits(
            """
            *batch_?sizes?* bsz bs batch batch_*(train|device|gpu) (mini|micro)_?batch(_size|es)? num_mini_?batches
            n_mini_?batches mbs *_bs *_bsz train_batch batch_?size*
            """
        ),
        ranges.batch,
    ),
    (_fits("accum* gradient_accum* grad_acc* accumulat* iter_size *_accum*"), powers(4, below=0.25, above=8)),
    (_fits("*heads? n?head attn_heads"), ranges.heads),
    (_fits("kernel_?size* kernel* ksize filter_?size conv_width"), ranges.kernel),
    (
        _fits(
            """
            (nb?|no|num|number_of)?_?([a-z]*_)?(layers?|blocks?|depth|stacks?|levels|stages?|resblocks|convs)>
            nlayers? net_?depth layer_num num_layer n_?cells n_?conv depths? num_layers_*
            """
        ),
        ranges.layers,
    ),
    (_fits("n_?estimators num_trees n_?trees"), counted(2, least_high=500)),
    (
        _fits(
            """
            max_?depth tree_depth min_samples_* num_leaves max_leaf_nodes min_child_* n_?neighbou?rs num_neighbou?rs
            knn
            """
        ),
        counted(2),
    ),
    (
        _fits("max_(features|samples) subsample colsample* bagging_fraction feature_fraction rowsample"),
        share(Float(0.2, 1.0, tier=3)),
    ),
    (_fits("*criterion"), _criterion),
    (_fits("c svm_c c_value inverse_reg*"), log(Float(1e-3, 1e3, scale="log", tier=1))),
    (_fits("lora_r lora_rank r"), powers(3, below=0.25, above=8)),
    (
        _fits("lora_alpha"),
        lambda s, f: (powers(3, below=0.25, above=4) if s.kind != "float" else ranges.coefficient)(s, f),
    ),
    (
        _fits(
            """
            INOUT_?(dims?|size|channels?|ch|features?|feats|shape|units|nodes|neurons|len*|dimension*)
            COUNT_?PART?(class(es)?|labels?|categories|outputs?|targets|features|samples|examples|points|images|tokens)
            COUNT_?PART?(vocab*|inputs|users|items|actions|states|folds|splits|runs|trials|repeats|train|rows|sequences)
            COUNT_?PART?(sentences|documents|words|agents|data|channels_in|obs) nclass(es)? numclasses *vocab* k_?folds?
            class(es)? *THING_?(size|height|width|h|w|len*|res|resolution|dim|frac*|ratio|split|pct|percent*|portion)
            (max|seq|context|sequence|source|target)_*(len*|position*|tokens) *max_?len* max_?seq* imgsz imsize img_*
            height resolution bptt seqlen block_?size n_ctx ctx* n_positions sr *sample_rate sampling_rate fps n_mels
            n_fft hop_length win_length n_(train|samples) (data|dataset|labels?)_noise* noise_data subsample_data
            window>
            look_?back lags?
            """
        ),
        _is_of_data,
    ),
    (
        _fits(
            """
            hidden* hid *hid units net_?width widths? dims? d_?model em_?size n_?embd n_?embed* embed* emb* latent*
            channels? nch filters?
            n_?filters neurons fc* mlp* ffn* ff d_?ff feed_?forward* intermediate_size inner_(size|dim) bottleneck* ngf
            ndf nf nz z_?dim* code_?size h_?dim* head_dim d_(head|inner|k|v|state) proj* growth_rate cells
            (lstm|gru|rnn)_*
            layer_?[0-9]?_?(sizes?|width|dim|units) *model_dim n?_?hidden* num_hidden* dense* capacity memory_dim
            base_(ch*|dim|width|filters) features n_?units num_units (node|edge)_dim state_size expansion* expand*
            width_mult* *_units *_dim *_width *_channels *_filters *_hidden *_neurons num_filters* num_channels d_embed*
            """
        ),
        ranges.width,
    ),
    (_fits("*activation* act act_fn nonlin* non_?linearity hidden_act"), ranges.named),
    (_fits("optim* opt optimi[sz]er* opt_name solver"), ranges.named),
    (_fits("init initiali[sz]er weight_init* init_(type|method) kernel_init* initiali[sz]ation"), _name_or_number),
    (
        _fits(
            """
            norm norm_(type|layer) normalization pool* readout aggr* (attention|attn|rnn|cell|unit)_type rnn cell
            impurity weighting weights auto_?augment aa distance similarity posenc pos_emb* positional* fusion upsample*
            splitter max_features
            """
        ),
        _name_or_number,
    ),
    (_fits("discount*"), near_one(Float(0.8, 0.9999, scale="log1m", tier=2))),
    (_fits("gae* td_lambda lam lambda lmbda lambda_(gae|return*)"), _trace),
    (_fits("gamma* *_gamma"), ranges.gamma),
    (
        _fits("(buffer|replay|memory|rb|queue)*_?(size|capacity|len|limit) replay_*size capacity buffer"),
        counted(3, factor=10),
    ),
    (
        _fits(
            """
            learning_starts? start_(steps|timesteps|training) initial_steps burn_?in random_steps min_replay*
            update_after
            """
        ),
        counted(4, factor=10),
    ),
    (
        _fits(
            """
            (target|update|policy|train|actor)_(network_)?(update_)?(freq*|every|interval|period|delay|updates?)
            target_update* sync_every
            """
        ),
        ranges.number,
    ),
    (
        _fits(
            """
            update_epochs ppo_epochs? k_epochs? inner_(steps|epochs|iters|updates) n_?critic*
            critic_(iters|iterations|steps|updates)
            [dg]_steps disc_* gradient_steps updates_per_* utd* train_(pi|v)_iters local_(epochs?|ep|steps) num_sgd_iter
            opt_epochs n_inner* adapt*_steps noise_steps diffusion_steps n_diffusion* *_timesteps_diffusion
            """
        ),
        counted(3),
    ),
    (_fits("(num|n)_?steps rollout* horizon unroll* n_step"), ranges.steps),
    (_fits("temperature* temp *_temp *_temperature tau* *_tau t"), _count_of),
    (
        _fits(
            """
            power poly_power *slope margin* alpha* beta* *lambda* lamb* *coef* *coeff* *weight weight_* scale strength
            delta rho kappa sigma*
            *noise* std *_std entropy* ent vf kl* target_(kl|entropy) gp *_gp penalty* eta* log_std* log_alpha* zeta
            mu nu
            xi theta jitter perturb* gain commitment* w_* *_alpha *_beta c[12] cfg_scale guidance* init_(scale|std)
            initializer_range lam_* *_lam *_strength *_penalty *_scale *_margin *_w
            """
        ),
        lambda s, f: (counted(3) if s.kind == "int" else ranges.coefficient)(s, f),
    ),
    (
        _fits(
            """
            (mask*|mlm|h?flip|vflip|eras*|reprob|re|cutout|crop|rotat*|aug*|shear|translate)CHANCE?
            (brightness|contrast|saturation|hue|swap|corrupt*|teacher_forcing|neg|negative*|replace|random*|color)CHANCE?
            p_(flip|aug|erase|mask|swap)* *_(prob|probability) teacher_forcing* rand_?aug* tfr color_?jitter cutout*
            """
        ),
        _share_or_count,
    ),
    (
        _fits(
            """
            k top_?k (num|n)_(negatives|negative_samples|experts|groups|clusters|components|embeddings|hops|negs?)
            (num|n)_(mixtures?|gaussians|kernels|slots|bases|prototypes|memory)
            groups clusters components codebook* hops order degree window* dilation* reduction mixtures ngram*
            rbf* experts n_?grams
            """
        ),
        _count_of,
    ),
)
TRUTHS = _fits(
    """
    USE?(nesterov|amsgrad|batch_?norm|bn|layer_?norm|norm|group_?norm|spectral_?norm|weight_norm|bias|residuals?|skip)
    USE?(skip_connections?|dropout|aug*|data_?aug*|ema|mixup|cutmix|attention|attn|se|scheduler|lr_sched*|lr_decay)
    USE?(decay_lr|anneal*|cos*|warmup|cosine*|clip*|grad_clip*|label_smoothing|swa|sam|focal*|class_weights?|peephole*)
    pre_?norm norm_first qkv_bias dueling double(_q|_dqn|_q_learning)? prioriti[sz]ed* anneal_lr norm_adv clip_vloss gae
    tie_weights weight_tying tied tie_* bi(dir|directional)? balanced decoupled centered freeze* gated swiglu lookahead
    one_?cycle reduce_on_plateau rezero separate_* shared?_* autotune teacher_forcing random_(crop|flip) hflip
    horizontal_flip flip oversampl* adamw use_rslora use_dora normalize_adv* learnable_* learn_* fit_intercept bootstrap
    rope orthogonal* noisy* gradient_penalty
    """
)
"""Names of what is True or False and changes what is learned."""
OTHERWISE: Sequence[tuple[str, re.Pattern[str]]] = (
    (
        "ends trainings early, which is tunewell's part",
        _fits("patience early_?stop* min_delta stop* es_* tol tolerance"),
    ),
    (
        IN_STEPS,
        _fits(
            """
            TOTAL_?(train_)?(steps?|iters?|iterations?|timesteps|updates|batches|rounds|episodes?|env_steps|frames)
            TOTAL_?(time|hours|minutes|seconds|gens?|generations?) hours minutes seconds *_(s|sec|secs|hours)
            iterations? n?iters? steps timesteps episodes rounds num_boost_round budget steps_per_epoch updates limit_*
            """
        ),
    ),
    ("is part of the length of a training", _fits("epochs? ep")),
    ("is how often something is done", _fits("interval every freq frequency period *_freq *_every *_interval")),
    (
        "is the goal, not the way",
        _fits("*thres* goal target baseline best criterion metric monitor objective loss loss_* *_loss reward*"),
    ),
    (
        "is about the data",
        _fits(
            """
            datasets? data corpus splits? folds? subset fraction frac train lang* domain env* game tokenizer task source
            target shuffle drop_last size length ratio n num classes format phase stage command action type unit(s)?
            interpolation region country currency price cost
            """
        ),
    ),
    ("is which model", _fits("model* arch* network net backbone encoder decoder variant algo* method mode")),
)
BY_HELP: Sequence[tuple[str, Make]] = (
    (r"learning.rate|step size of", ranges.rate),
    (r"weight decay|\bl2\b", ranges.weight_decay),
    (r"dropout", ranges.dropout),
    (r"batch size", ranges.batch),
    (r"momentum", ranges.momentum),
    (
        r"(hidden|embedding|latent) (units|size|dim\w*|width|state)|number of (units|filters|channels|neurons)",
        ranges.width,
    ),
    (r"number of (hidden |residual |conv\w* |transformer )?(layers|blocks)", ranges.layers),
    (
        r"coefficient|regulari[sz]ation|weight of|strength|temperature|penalty|smoothing|discount|probability of",
        ranges.number,
    ),
)
